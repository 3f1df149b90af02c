--- reclaim
-- KEYS[6] has the units of each client. Those of clients that ended come back.
local function reclaim()
  local held = call('HGETALL', KEYS[6])
  for place = 1, #held, 2 do
    if not is_live(held[place]) then
      call('HDEL', KEYS[6], held[place])
      call('HINCRBY', KEYS[5], 'free', held[place + 1])
    end
  end
end

--- acquire
-- ARGV[4] is this client, ARGV[5] the waiter, ARGV[6] its place.
@locks
@home
@once
@there
@live
@wait
@reclaim
if call('HGET', KEYS[5], 'free') == '0' then reclaim() end
if call('HGET', KEYS[5], 'free') == '0' then return wait(KEYS[7], ARGV[5], ARGV[6]) or 0 end
call('HINCRBY', KEYS[5], 'free', -1)
if call('HEXISTS', KEYS[5], 'signal') == 0 then call('HINCRBY', KEYS[6], ARGV[4], 1) end
if ARGV[5] ~= '' then call('ZREM', KEYS[7], ARGV[5]) end
return done(1)

--- release
-- ARGV[4] is this client, ARGV[5] the number of units. Of ARGV[6], `undo` says that they are those of this client
-- alone, which may have lost them with its lease: then they have come back already.
@locks
@home
@once
@there
@live
@wake
@reclaim
local units = tonumber(ARGV[5])
if ARGV[6] == 'undo' and call('HEXISTS', KEYS[5], 'signal') == 0 and call('HEXISTS', KEYS[6], ARGV[4]) == 0 then
  return done(1)
end
local free, bound, owned = unpack(call('HMGET', KEYS[5], 'free', 'bound', 'owned'))
if tonumber(free) + units > tonumber(bound) then
  return redis.error_reply('SVUNITS ' .. bound)
end
call('HINCRBY', KEYS[5], 'free', units)
if call('HEXISTS', KEYS[5], 'signal') == 0 then
  local left = units
  local function take(client)
    local held = tonumber(call('HGET', KEYS[6], client) or 0)
    local taken = math.min(held, left)
    left = left - taken
    if taken == held then call('HDEL', KEYS[6], client) else call('HINCRBY', KEYS[6], client, -taken) end
  end
  take(ARGV[4])
  for _, client in ipairs(left > 0 and call('HKEYS', KEYS[6]) or {}) do take(client) end
  -- Some units had no holder.
  if left > 0 and owned ~= '1' then
    call('HSET', KEYS[5], 'signal', 1)
    call('DEL', KEYS[6])
  end
end
wake(KEYS[7], units)
return done(1)

--- state
@home
@there
@live
@reclaim
reclaim()
local found = call('HMGET', KEYS[5], 'free', 'bound', 'signal')
found[4] = call('HGET', KEYS[6], ARGV[4]) or '0'
return found
