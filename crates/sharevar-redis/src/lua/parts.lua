--- home
-- KEYS 1 to 4 are of the home: its counts, this client, the dead variables, the clients' leases.
local call, root, me = redis.call, KEYS[1], KEYS[2]
-- ARGV[1] is the home's identity in the history that the connection belongs to.
if call('HGET', root, 'history') ~= ARGV[1] then
  local is_there = call('HGET', root, 'id') == string.sub(ARGV[1], 1, 32)
  return redis.error_reply(is_there and 'SVHISTORY home' or 'SVCLOSED home')
end

--- once
-- A request that was answered already gets the same answer, whether its reply was lost or not. That answer is
-- written again, so that a wait for replicas on this connection is one for the change.
local lane, seq = ARGV[2], ARGV[3]
local last = call('HGET', me, lane)
if last then
  local kept = cmsgpack.unpack(last)
  if kept[1] == seq then
    call('HSET', me, lane, last)
    return kept[2]
  end
  if tonumber(kept[1]) > tonumber(seq) then return redis.error_reply('SVLATE request') end
elseif call('EXISTS', me) == 0 then
  return redis.error_reply('SVLEASE client')
end
local function done(result)
  call('HSET', me, lane, cmsgpack.pack({seq, result}))
  return result
end

--- settle
-- `never`, a lane and a number tell of a request that was not answered. If it has not come yet it begins nothing any
-- more: its answer is kept as if it had. Other texts tell of none.
local function settle(text)
  local late, number = string.match(text, '^never (%d+) (%d+)$')
  if not late then return end
  local kept = call('HGET', me, late)
  if not kept or tonumber(cmsgpack.unpack(kept)[1]) < tonumber(number) then
    call('HSET', me, late, cmsgpack.pack({number, false}))
  end
end

--- there
if call('EXISTS', KEYS[5]) == 0 then return redis.error_reply('SVGONE variable') end

--- refs
-- A value begins with `h` if it is a reference, and with `r` if references to others stand before it.
local dead = KEYS[3]
local function each(value, act)
  local tag = value and string.byte(value, 1)
  if tag == 104 then
    act(string.sub(value, 2))
  elseif tag == 114 then
    for number in string.gmatch(string.match(value, '^r([%d,]*);'), '%d+') do act(number) end
  end
end
local function retain(value)
  each(value, function(number) call('HINCRBY', root, number, 1) end)
end
local function drop(number)
  if call('HINCRBY', root, number, -1) <= 0 then
    call('HDEL', root, number)
    call('RPUSH', dead, number)
  end
end
local function release(value) each(value, drop) end
local function keep(number)
  call('HINCRBY', root, number, 1)
  call('HINCRBY', me, 'h' .. number, 1)
end
local function hold(value)
  each(value, keep)
  return value
end
local function are_there(values)
  local all = true
  for _, value in ipairs(values) do
    each(value, function(number) all = all and call('HEXISTS', root, number) == 1 end)
  end
  return all
end
-- Counts values that come in. Whether all variables that they refer to are there.
local function retain_all(values)
  if not are_there(values) then return false end
  for _, value in ipairs(values) do retain(value) end
  return true
end
-- Counts what is given out for this client, of a script that only reads: its answer is kept only if it did.
local has_kept = false
local function lend(value)
  each(value, function(number) has_kept = true; keep(number) end)
  return value
end
local function answer(found)
  if has_kept then return done(found) end
  return found
end

--- plain
-- Whether reading this counts no references.
local function is_plain(value)
  local tag = value and string.byte(value, 1)
  return tag ~= 104 and tag ~= 114
end

--- sum
-- HINCRBY keeps all bits, and a number of Lua's does not; so sums are compared as texts.
local function is_beyond(sum)
  local digits = string.gsub(sum, '^-', '')
  local limit = string.sub(sum, 1, 1) == '-' and '4611686018427387904' or '4611686018427387903'
  return #digits > 19 or (#digits == 19 and digits > limit)
end
local function add(key, field, by, old)
  if old and not string.match(old, '^%-?%d+$') then return false end
  local added = redis.pcall('HINCRBY', key, field, by)
  if type(added) == 'table' then return false end
  local sum = call('HGET', key, field)
  if not is_beyond(sum) then return sum end
  if old then call('HSET', key, field, old) else call('HDEL', key, field) end
  return false
end

--- live
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local leases = KEYS[4]
local function is_live(client)
  local expiry = call('ZSCORE', leases, client)
  return expiry and tonumber(expiry) > now
end

--- wake
-- A waiter is `<client>/<ticket>`. It is taken out when it is woken, and enters again at the front if
-- another was faster.
local function wake(set, most)
  local woken = call('ZPOPMIN', set, most)
  for place = 1, #woken, 2 do
    call('PUBLISH', string.sub(me, 1, -17) .. string.sub(woken[place], 1, 16), woken[place])
  end
end
local ALL = 1000000000

--- wait
local function wait(set, waiter, score)
  if waiter == '' then return false end
  if score == '' then score = call('HINCRBY', KEYS[5], 'arrivals', 1) end
  call('ZADD', set, 'NX', score, waiter)
  return false
end
