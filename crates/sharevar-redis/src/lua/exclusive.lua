--- holder
-- A plain lock is a client's, a recursive one a thread's: `<client>` or `<client>/<thread>`.
local function holder()
  local owner = call('HGET', KEYS[5], 'owner')
  return owner, owner and is_live(string.sub(owner, 1, 16))
end

--- acquire
-- ARGV[4] is the caller; of ARGV[5], `1` makes it recursive; ARGV[6] is the waiter, if it waits, and ARGV[7]
-- its place. Whether a holder died, and the token.
@locks
@home
@once
@there
@live
@wait
@holder
local owner, is_held = holder()
if is_held then
  if ARGV[5] ~= '1' or owner ~= ARGV[4] then return wait(KEYS[6], ARGV[6], ARGV[7]) end
  call('HINCRBY', KEYS[5], 'times', 1)
else
  if owner then call('HSET', KEYS[5], 'died', 1) end
  call('HSET', KEYS[5], 'owner', ARGV[4], 'times', 1)
  call('HINCRBY', KEYS[5], 'token', 1)
end
if ARGV[6] ~= '' then call('ZREM', KEYS[6], ARGV[6]) end
return done(call('HMGET', KEYS[5], 'died', 'token'))

--- give_back
-- Gives up to `most` holds back; how many those were.
local function give_back(most)
  local owner = call('HGET', KEYS[5], 'owner')
  if not owner then return false end
  if ARGV[5] == '1' and owner ~= ARGV[4] then return false end
  local times = tonumber(call('HGET', KEYS[5], 'times'))
  if most < times then
    call('HINCRBY', KEYS[5], 'times', -most)
    return most
  end
  call('HDEL', KEYS[5], 'owner', 'times')
  return times
end

--- release
-- ARGV[6] is the token of the hold that the caller believes in, if it does; of ARGV[7], `1` gives back all. Of
-- ARGV[8], `undo` says that the caller is content if the hold has ended otherwise.
@locks
@home
@once
@there
@wake
@give_back
if ARGV[6] ~= '' then
  -- Another one has taken it since.
  if call('HGET', KEYS[5], 'token') ~= ARGV[6] then
    if ARGV[8] == 'undo' then return done({0, 1}) end
    return redis.error_reply('SVLOST lock')
  end
end
local given = give_back(ARGV[7] == '1' and ALL or 1)
if not given then return ARGV[8] == 'undo' and done({0, 1}) end
local is_free = call('HEXISTS', KEYS[5], 'owner') == 0
if is_free then wake(KEYS[6], 1) end
return done({given, is_free and 1 or 0})

--- restore
@locks
@home
@once
@there
if ARGV[5] == '1' and call('HGET', KEYS[5], 'owner') == ARGV[4] then call('HSET', KEYS[5], 'times', ARGV[6]) end
return done(1)

--- state
-- The holder, if its lease goes on, whether one died, how often the lock is held, and the last token.
@home
@there
@live
@holder
local owner, is_held = holder()
return {is_held and owner, call('HGET', KEYS[5], 'died'), call('HGET', KEYS[5], 'times'), call('HGET', KEYS[5], 'token') or '0'}

--- mark
@locks
@home
@once
@there
call('HDEL', KEYS[5], 'died')
return done(1)
