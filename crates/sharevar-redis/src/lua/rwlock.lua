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
    if not is_live(client) then
      call('HDEL', KEYS[6], client)
      call('HDEL', KEYS[5], 'r' .. client)
    end
  end
  return call('EXISTS', KEYS[6]) == 1
end

--- read
-- ARGV[4] is this client, ARGV[5] the waiter, ARGV[6] its place. ARGV[7] names this request, and the hold that it
-- begins. A field of the client with that name has the name of the first of the holds that the client has at a time,
-- which is in a field of the lock. So no hold counts that another client has ended, with this one's lease, before this
-- one was heard of again.
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
if call('HINCRBY', KEYS[6], ARGV[4], 1) == 1 then call('HSET', KEYS[5], 'r' .. ARGV[4], ARGV[7]) end
call('HSET', me, 'n' .. ARGV[7], call('HGET', KEYS[5], 'r' .. ARGV[4]) or '')
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
call('HSET', KEYS[5], 'owner', ARGV[4], 'name', ARGV[7])
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

--- not_held
-- ARGV[4] is this client, ARGV[6] the name of its hold, which ends, and no other one. ARGV[5] says that the client is
-- content if the hold has ended otherwise: `late`, or `undo` for one that is undone, or `never` with the place of the
-- request to begin it if that was not answered, which begins nothing any more.
@settle
settle(ARGV[5])
local function not_held() return ARGV[5] ~= '' and done(1) or 0 end

--- release_read
@locks
@home
@once
@there
@wake
@call_all
@not_held
local first = call('HGET', me, 'n' .. ARGV[6])
if not first then return not_held() end
call('HDEL', me, 'n' .. ARGV[6])
if call('HGET', KEYS[5], 'r' .. ARGV[4]) ~= first then return not_held() end
if call('HINCRBY', KEYS[6], ARGV[4], -1) <= 0 then
  call('HDEL', KEYS[6], ARGV[4])
  call('HDEL', KEYS[5], 'r' .. ARGV[4])
end
if call('EXISTS', KEYS[6]) == 0 then call_all() end
return done(1)

--- release_write
@locks
@home
@once
@there
@wake
@call_all
@not_held
local owner, name = unpack(call('HMGET', KEYS[5], 'owner', 'name'))
if owner ~= ARGV[4] or name ~= ARGV[6] then return not_held() end
call('HDEL', KEYS[5], 'owner', 'name')
-- A writer that gives it back has put right what a dead one had left; one whose hold is undone has not.
if ARGV[5] == '' or ARGV[5] == 'late' then call('HDEL', KEYS[5], 'died') end
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
