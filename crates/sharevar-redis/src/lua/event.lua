--- state
@home
@there
return call('HMGET', KEYS[5], 'set', 'times')

--- await
-- ARGV[4] is the count when the wait began, ARGV[5] the waiter, ARGV[6] its place.
@home
@once
@there
@wait
local is_set, times = unpack(call('HMGET', KEYS[5], 'set', 'times'))
if is_set == '1' or times ~= ARGV[4] then
  if ARGV[5] ~= '' then call('ZREM', KEYS[6], ARGV[5]) end
  return done(1)
end
return wait(KEYS[6], ARGV[5], ARGV[6]) or 0

--- set
@changes
@home
@once
@there
@wake
if call('HGET', KEYS[5], 'set') ~= '1' then
  call('HINCRBY', KEYS[5], 'times', 1)
  call('HSET', KEYS[5], 'set', 1)
  wake(KEYS[6], ALL)
end
return done(1)

--- clear
@changes
@home
@once
@there
call('HSET', KEYS[5], 'set', 0)
return done(1)
