--- holders
-- KEYS[6] has the readers of each client, KEYS[7] the waiting readers, KEYS[8] the waiting writers with the
-- times at which they tried last.
local function writer()
  local client = call('HGET', KEYS[5], 'owner')
  if client and not is_live(client) then
    call('HDEL', KEYS[5], 'owner')
    call('HSET', KEYS[5], 'died', 1)
    return false
  end
  return client
end
local function has_readers()
  for _, client in ipairs(call('HKEYS', KEYS[6])) do
    if not is_live(client) then call('HDEL', KEYS[6], client) end
  end
  return call('EXISTS', KEYS[6]) == 1
end

--- read
-- ARGV[4] is this client, ARGV[5] the waiter, ARGV[6] its place.
@locks
@home
@once
@there
@live
@wait
@holders
-- A writer that waits tries again within a second.
if writer() or call('ZCOUNT', KEYS[8], now - 3000, '+inf') > 0 then
  return wait(KEYS[7], ARGV[5], ARGV[6])
end
call('HINCRBY', KEYS[6], ARGV[4], 1)
if ARGV[5] ~= '' then call('ZREM', KEYS[7], ARGV[5]) end
return done(call('HGET', KEYS[5], 'died') or '0')

--- write
@locks
@home
@once
@there
@live
@holders
if writer() or has_readers() then
  if ARGV[5] ~= '' then call('ZADD', KEYS[8], now, ARGV[5]) end
  return false
end
call('HSET', KEYS[5], 'owner', ARGV[4])
if ARGV[5] ~= '' then call('ZREM', KEYS[8], ARGV[5]) end
return done(call('HGET', KEYS[5], 'died') or '0')

--- call_all
local function call_all()
  local prefix = string.sub(me, 1, -17)
  for _, waiter in ipairs(call('ZRANGE', KEYS[8], 0, -1)) do
    call('PUBLISH', prefix .. string.sub(waiter, 1, 16), waiter)
  end
  wake(KEYS[7], ALL)
end

--- release_read
-- ARGV[4] is this client. Of ARGV[5], `undo` says that it is content if its hold has ended otherwise.
@locks
@home
@once
@there
@wake
@call_all
if call('HEXISTS', KEYS[6], ARGV[4]) == 0 then return ARGV[5] == 'undo' and done(1) or 0 end
if call('HINCRBY', KEYS[6], ARGV[4], -1) <= 0 then call('HDEL', KEYS[6], ARGV[4]) end
if call('EXISTS', KEYS[6]) == 0 then call_all() end
return done(1)

--- release_write
@locks
@home
@once
@there
@wake
@call_all
if call('HGET', KEYS[5], 'owner') ~= ARGV[4] then return ARGV[5] == 'undo' and done(1) or 0 end
call('HDEL', KEYS[5], 'owner')
-- A writer that gives it back has put right what a dead one had left; one whose hold is undone has not.
if ARGV[5] ~= 'undo' then call('HDEL', KEYS[5], 'died') end
call_all()
return done(1)

--- withdraw
@home
@once
@there
@wake
@call_all
call('ZREM', KEYS[7], ARGV[4])
call('ZREM', KEYS[8], ARGV[4])
call_all()
return done(1)

--- died
@home
@there
@live
@holders
writer()
return call('HGET', KEYS[5], 'died') or '0'

--- mark
@locks
@home
@once
@there
call('HDEL', KEYS[5], 'died')
return done(1)
