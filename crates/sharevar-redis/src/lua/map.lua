--- get
-- KEYS[5] is the variable; [6] has the values by canonical keys, [7] the keys in their order, [8] those keys
-- that were put in as something else: the digit of their form, and their bytes.
@home
@plain
local value = call('HGET', KEYS[6], ARGV[4])
if not value then
@there
  return false
end
if is_plain(value) then return value end
@once
@refs
return done(hold(value))

--- get_stamped
@home
@plain
@there
local value, version = call('HGET', KEYS[6], ARGV[4]), call('HGET', KEYS[5], 'ver')
if is_plain(value) then return {value, version} end
@once
@refs
return done({hold(value), version})

--- contains
@home
@there
return call('HEXISTS', KEYS[6], ARGV[4])

--- keys
-- Of ARGV[4], `1` asks for those alone that only Python can compare. The version, and two for each key.
@home
@there
local keys, found = call('ZRANGE', KEYS[7], 0, -1), {call('HGET', KEYS[5], 'ver')}
local has_originals = call('EXISTS', KEYS[8]) == 1
for first = 1, #keys, 1000 do
  local last = math.min(first + 999, #keys)
  local originals = has_originals and call('HMGET', KEYS[8], unpack(keys, first, last)) or {}
  for place = first, last do
    local original = originals[place - first + 1] or '0'
    if ARGV[4] ~= '1' or string.sub(original, 1, 1) == '4' then
      found[#found + 1] = keys[place]
      found[#found + 1] = original
    end
  end
end
return found

--- len
@home
@there
return call('HLEN', KEYS[6])

--- stamp
@home
@there
return call('HGET', KEYS[5], 'ver')

--- set
-- Sets a key that gets its place if it is new; the value is counted already.
local function set(key, original, value)
  local old = call('HGET', KEYS[6], key)
  call('HSET', KEYS[6], key, value)
  if old then
    release(old)
  else
    call('ZADD', KEYS[7], call('HINCRBY', KEYS[5], 'seq', 1), key)
    if original ~= '' then call('HSET', KEYS[8], key, original) end
  end
end

--- unset
local function unset(key)
  local old = call('HGET', KEYS[6], key)
  if old then
    call('HDEL', KEYS[6], key)
    call('ZREM', KEYS[7], key)
    call('HDEL', KEYS[8], key)
  end
  return old
end

--- change
-- ARGV[4] is the version that there must be, if any; of ARGV[5], `1` empties the map first; ARGV[6] keys
-- follow that go, then those that come, with their original form and value.
@grows
@home
@once
@refs
@there
@set
@unset
if ARGV[4] ~= '' and ARGV[4] ~= call('HGET', KEYS[5], 'ver') then return 0 end
local first, values = 7 + tonumber(ARGV[6]), {}
for place = first + 2, #ARGV, 3 do values[#values + 1] = ARGV[place] end
if not are_there(values) then return redis.error_reply('SVGONE variable') end
for _, value in ipairs(values) do retain(value) end
if ARGV[5] == '1' then
  for _, value in ipairs(call('HVALS', KEYS[6])) do release(value) end
  call('DEL', KEYS[6], KEYS[7], KEYS[8])
end
for place = 7, first - 1 do release(unset(ARGV[place])) end
for place = first, #ARGV, 3 do set(ARGV[place], ARGV[place + 1], ARGV[place + 2]) end
call('HINCRBY', KEYS[5], 'ver', 1)
return done(1)

--- get_or_insert
@grows
@home
@once
@refs
@there
@set
local value, is_new = call('HGET', KEYS[6], ARGV[4]), 0
if not value then
  value, is_new = ARGV[6], 1
  if not are_there({value}) then return redis.error_reply('SVGONE variable') end
  retain(value)
  set(ARGV[4], ARGV[5], value)
  call('HINCRBY', KEYS[5], 'ver', 1)
end
return done({hold(value), is_new})

--- remove
@home
@once
@refs
@there
@unset
local value = unset(ARGV[4])
if not value then return false end
call('HINCRBY', KEYS[5], 'ver', 1)
hold(value)
release(value)
return done(value)

--- pop_last
@home
@once
@refs
@there
@unset
local key = call('ZREVRANGE', KEYS[7], 0, 0)[1]
if not key then return false end
local original = call('HGET', KEYS[8], key) or '0' .. key
local value = unset(key)
call('HINCRBY', KEYS[5], 'ver', 1)
hold(value)
release(value)
return done({original, value})

--- increment
@grows
@home
@once
@there
@sum
local old = call('HGET', KEYS[6], ARGV[4])
local sum = add(KEYS[6], ARGV[4], ARGV[6], old)
if not sum then return redis.error_reply('SVNAN value') end
if not old then
  call('ZADD', KEYS[7], call('HINCRBY', KEYS[5], 'seq', 1), ARGV[4])
  if ARGV[5] ~= '' then call('HSET', KEYS[8], ARGV[4], ARGV[5]) end
end
call('HINCRBY', KEYS[5], 'ver', 1)
return done(sum)

--- items
-- Of ARGV[4], `1` asks for the values.
@home
@once
@refs
@there
local keys, found, counted = call('ZRANGE', KEYS[7], 0, -1), {}, false
local has_originals = call('EXISTS', KEYS[8]) == 1
for first = 1, #keys, 1000 do
  local last = math.min(first + 999, #keys)
  local originals = has_originals and call('HMGET', KEYS[8], unpack(keys, first, last)) or {}
  local values = ARGV[4] == '1' and call('HMGET', KEYS[6], unpack(keys, first, last)) or {}
  for place = first, last do
    found[#found + 1] = originals[place - first + 1] or '0' .. keys[place]
    if ARGV[4] == '1' then
      local value = values[place - first + 1]
      each(value, function(number) counted = true; keep(number) end)
      found[#found + 1] = value
    end
  end
end
if counted then return done(found) end
return found
