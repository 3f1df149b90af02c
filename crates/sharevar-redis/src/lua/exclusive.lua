--- holder
-- A plain lock is a client's, a recursive one a thread's: `<client>` or `<client>/<thread>`.
local function holder()
  local owner = call('HGET', KEYS[5], 'owner')
  return owner, owner and is_live(string.sub(owner, 1, 16))
end

--- acquire
-- ARGV[4] is the caller; of ARGV[5], `1` makes it recursive; ARGV[6] is the waiter, if it waits, and ARGV[7]
-- its place. ARGV[8] is the token of the hold that the caller believes in, or 0, and ARGV[9] how often it has the
-- lock then. ARGV[10] names this request alone. Whether a holder died, and the token.
@locks
@home
@once
@there
@live
@wait
@holder
local owner, is_held = holder()
if is_held and (ARGV[5] ~= '1' or owner ~= ARGV[4]) then return wait(KEYS[6], ARGV[6], ARGV[7]) end
if is_held and call('HGET', KEYS[5], 'token') == ARGV[8] then
  call('HSET', KEYS[5], 'times', ARGV[9])
else
  -- A hold of the caller's own in which it does not believe has ended. That is told later, and must not end this one.
  if owner and not is_held then call('HSET', KEYS[5], 'died', 1) end
  call('HSET', KEYS[5], 'owner', ARGV[4], 'times', 1, 'name', ARGV[10])
  -- A hold of a history that was lost may have had the next one.
  local token, least = call('HINCRBY', KEYS[5], 'token', 1), call('HGET', root, 'token')
  if least and token < tonumber(least) then call('HSET', KEYS[5], 'token', least) end
end
if ARGV[6] ~= '' then call('ZREM', KEYS[6], ARGV[6]) end
return done(call('HMGET', KEYS[5], 'died', 'token'))

--- withdraw
-- A request of the caller's to acquire, ARGV[5] by its name and ARGV[6] by its place, whose answer was not heard: what
-- it has begun ends, and it begins nothing if it is still on the way.
@locks
@home
@once
@settle
@there
@wake
settle(ARGV[6])
local owner, name = unpack(call('HMGET', KEYS[5], 'owner', 'name'))
if owner == ARGV[4] and name == ARGV[5] then
  call('HDEL', KEYS[5], 'owner', 'times')
  wake(KEYS[6], 1)
end
return done(1)

--- give_back
-- Leaves the caller so many times; how often it had the lock. One that comes after others that were lost is right all
-- the same.
local function give_back(left)
  local owner, times = unpack(call('HMGET', KEYS[5], 'owner', 'times'))
  if not owner or (ARGV[5] == '1' and owner ~= ARGV[4]) then return false end
  if left == '0' then call('HDEL', KEYS[5], 'owner', 'times') else call('HSET', KEYS[5], 'times', left) end
  return tonumber(times)
end

--- is_later
-- Tokens have more bits than numbers of Lua's.
local function is_later(token, other)
  return #token > #other or (#token == #other and token > other)
end

--- release
-- ARGV[6] is the token of the hold that the caller believes in, or 0; ARGV[7] how often it has the lock from now on.
-- Of ARGV[8], `undo` says that the caller is content if the hold has ended otherwise: each of its holds up to that
-- token ends.
@locks
@home
@once
@there
@wake
@give_back
@is_later
local owner, token = unpack(call('HMGET', KEYS[5], 'owner', 'token'))
if ARGV[8] == 'undo' then
  if owner ~= ARGV[4] or is_later(token, ARGV[6]) then return done(1) end
elseif ARGV[6] ~= '0' and token ~= ARGV[6] then
  -- Another one has taken it since.
  return redis.error_reply('SVLOST lock')
end
local given = give_back(ARGV[7])
if given and ARGV[7] == '0' then wake(KEYS[6], 1) end
return given and done(given)

--- restore
@locks
@home
@once
@there
if ARGV[5] == '1' and call('HGET', KEYS[5], 'owner') == ARGV[4] then call('HSET', KEYS[5], 'times', ARGV[6]) end
return done(1)

--- state
-- The holder, if its lease goes on, whether one died, and the last token.
@home
@there
@live
@holder
local owner, is_held = holder()
local died, token = unpack(call('HMGET', KEYS[5], 'died', 'token'))
return {is_held and owner, died, token or '0'}

--- mark
@locks
@home
@once
@there
call('HDEL', KEYS[5], 'died')
return done(1)
