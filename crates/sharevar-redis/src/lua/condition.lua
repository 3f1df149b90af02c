--- condition
-- KEYS[5] is the variable, [6] the waiters by their tickets, [7] the tickets up to which those were made that
-- have been notified.
local prefix = string.sub(me, 1, -17)
local function notify(most, last)
  local count = 0
  for _, waiter in ipairs(call('ZRANGEBYSCORE', KEYS[6], '-inf', last)) do
    if count >= most then break end
    call('ZREM', KEYS[6], waiter)
    -- That of a client that ended passes to the next one.
    if is_live(string.sub(waiter, 1, 16)) then
      call('HSET', KEYS[7], waiter, last)
      call('PUBLISH', prefix .. string.sub(waiter, 1, 16), waiter)
      count = count + 1
    end
  end
  return count
end

--- lock
@home
@there
local lock = call('HGET', KEYS[5], 'v')
@once
@refs
return done(hold(lock))

--- begin
-- KEYS[8] is the lock, KEYS[9] its waiters; ARGV[4] the caller; of ARGV[5], `1` says that the lock is
-- recursive; ARGV[6] is the waiter, ARGV[7] the token of the caller's hold, or 0. How often the lock was held.
@locks
@home
@once
@there
@wake
if ARGV[7] ~= '0' and call('HGET', KEYS[8], 'token') ~= ARGV[7] then return redis.error_reply('SVLOST lock') end
local owner, times = unpack(call('HMGET', KEYS[8], 'owner', 'times'))
if not owner or (ARGV[5] == '1' and owner ~= ARGV[4]) then return false end
call('HDEL', KEYS[8], 'owner', 'times')
wake(KEYS[9], 1)
call('ZADD', KEYS[6], call('HINCRBY', KEYS[5], 'last', 1), ARGV[6])
return done(times)

--- await
-- One whose place is gone, since its lease had ended when it was to be notified, goes on as after any spurious
-- wake-up.
@home
@there
if call('HEXISTS', KEYS[7], ARGV[4]) == 1 or not call('ZSCORE', KEYS[6], ARGV[4]) then return 1 end
return 0

--- notify
@changes
@home
@once
@there
@live
@condition
return done(notify(tonumber(ARGV[4]), call('HGET', KEYS[5], 'last')))

--- end
-- Of ARGV[5], `1` passes the notification on.
@home
@once
@there
@live
@condition
call('ZREM', KEYS[6], ARGV[4])
local last = call('HGET', KEYS[7], ARGV[4])
if not last then return done(0) end
call('HDEL', KEYS[7], ARGV[4])
if ARGV[5] == '1' then notify(1, last) end
return done(1)

--- counts
@home
@there
return {call('ZCARD', KEYS[6]), call('HLEN', KEYS[7])}
