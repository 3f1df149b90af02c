--- get
@home
@plain
local found = call('HMGET', KEYS[5], 'v', 'ver')
if not found[2] then return redis.error_reply('SVGONE variable') end
if is_plain(found[1]) then return found end
@once
@refs
hold(found[1])
return done(found)

--- set
-- ARGV[4] is the value, ARGV[5] the version that there must be, if any.
@changes
@grows
@home
@once
@refs
local found = call('HMGET', KEYS[5], 'v', 'ver')
if not found[2] or not are_there({ARGV[4]}) then return redis.error_reply('SVGONE variable') end
if ARGV[5] ~= '' and ARGV[5] ~= found[2] then return 0 end
retain(ARGV[4])
call('HSET', KEYS[5], 'v', ARGV[4])
call('HINCRBY', KEYS[5], 'ver', 1)
release(found[1])
return done(1)

--- increment
@changes
@home
@once
@there
@sum
local sum = add(KEYS[5], 'v', ARGV[4], call('HGET', KEYS[5], 'v'))
if not sum then return redis.error_reply('SVNAN value') end
call('HINCRBY', KEYS[5], 'ver', 1)
return done(sum)
