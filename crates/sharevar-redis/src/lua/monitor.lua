--- enter
-- A monitor is a map, and [9] are those that wait. ARGV[4] names the one that enters, once; ARGV[5] is the waiter,
-- if it waits, and ARGV[6] its place. The attributes and their values.
@locks
@home
@once
@refs
@there
@live
@wait
@all_items
local inside = call('HGET', KEYS[5], 'inside')
if inside and inside ~= ARGV[4] and is_live(string.sub(inside, 1, 16)) then
  return wait(KEYS[9], ARGV[5], ARGV[6])
end
call('HSET', KEYS[5], 'inside', ARGV[4])
if ARGV[5] ~= '' then call('ZREM', KEYS[9], ARGV[5]) end
return done(all_items(true))

--- leave
-- ARGV[4] is the one that entered, of whose changes nothing is done if it has lost its lease and another may have
-- entered. Of ARGV[5], `maybe` says that it may be outside already, and `never` with the place of its request that it
-- must not enter any more, too: the request may still be on the way. ARGV[6] and on are as for a map. A change that
-- refers to a variable that is gone is not done, and the answer is 0.
@locks
@home
@once
@settle
@refs
@there
@wake
@set
@unset
@change_all
settle(ARGV[5])
if call('HGET', KEYS[5], 'inside') ~= ARGV[4] then
  if ARGV[5] ~= '' then return done(1) end
  return redis.error_reply('SVLOST monitor')
end
local is_done = retain_all(values)
if is_done and #ARGV > 6 then change_all() end
call('HDEL', KEYS[5], 'inside')
wake(KEYS[9], 1)
return done(is_done and 1 or 0)

--- store
-- The same, if there is memory for what is to be stored.
@locks
@grows
@leave
