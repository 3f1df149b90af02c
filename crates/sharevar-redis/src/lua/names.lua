--- find
-- KEYS[5] has the numbers of the names, KEYS[6] their order.
@home
local number = call('HGET', KEYS[5], ARGV[4])
if not number then return false end
@once
@refs
keep(number)
return done(number)

--- enter
@changes
@grows
@home
@once
@refs
local number = call('HGET', KEYS[5], ARGV[4])
if not number then
  number = ARGV[5]
  if call('HEXISTS', root, number) == 0 then return redis.error_reply('SVGONE variable') end
  retain('h' .. number)
  call('HSET', KEYS[5], ARGV[4], number)
  call('ZADD', KEYS[6], call('HINCRBY', root, 'named', 1), ARGV[4])
end
keep(number)
return done(number)

--- remove
@changes
@home
@once
@refs
local number = call('HGET', KEYS[5], ARGV[4])
if not number then return 0 end
call('HDEL', KEYS[5], ARGV[4])
call('ZREM', KEYS[6], ARGV[4])
drop(number)
return done(1)

--- all
@home
return call('ZRANGE', KEYS[6], 0, -1)
