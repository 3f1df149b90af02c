--- state
@home
@there
return call('HMGET', KEYS[5], 'set', 'times')

--- await
-- ARGV[4] is the count when the wait began, ARGV[5] the waiter, ARGV[6] its place. ARGV[7] says whether the count is of
-- this history. One of another may count what was lost: then the event was set meanwhile if it has a higher count, or
-- was set in this history.
@home
@once
@there
@wait
local is_set, times, history = unpack(call('HMGET', KEYS[5], 'set', 'times', 'history'))
local was_set = times ~= ARGV[4]
if ARGV[7] == '0' then was_set = tonumber(times) > tonumber(ARGV[4]) or history == ARGV[1] end
if is_set == '1' or was_set then
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
  call('HSET', KEYS[5], 'set', 1, 'history', ARGV[1])
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
