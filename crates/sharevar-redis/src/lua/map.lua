--- get
-- KEYS[5] is the variable; [6] has the values by canonical keys, [7] the keys in their order, [8] those keys
-- that were put in as something else: the digit of their form, and their bytes. Of [5], `seq` is how often keys
-- came or went, of which a new one takes its place in the order; `opaque` is the number of keys that only Python
-- can compare, which is the answer about a key that is not there by its bytes.
@home
@plain
@opaque
local value = call('HGET', KEYS[6], ARGV[4])
if not value then
@there
  return count_opaque()
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

--- opaque
local function count_opaque() return tonumber(call('HGET', KEYS[5], 'opaque') or 0) end

--- contains
-- `-1` is yes; else the number of keys that only Python can compare.
@home
@there
@opaque
return call('HEXISTS', KEYS[6], ARGV[4]) == 1 and -1 or count_opaque()

--- has_opaque
@home
@there
@opaque
return count_opaque()

--- get_many
-- For each key in ARGV its value, or the number of keys that only Python can compare.
@home
@once
@refs
@there
@opaque
local found, opaque = {}, count_opaque()
for first = 4, #ARGV, 1000 do
  for _, value in ipairs(call('HMGET', KEYS[6], unpack(ARGV, first, math.min(first + 999, #ARGV)))) do
    found[#found + 1] = lend(value) or opaque
  end
end
return answer(found)

--- page
-- ARGV[4] is the place behind which keys are asked for, if any. The number of keys, the last place if there may
-- be more, and each key as it was put in.
@home
@there
local keys = call('ZRANGEBYSCORE', KEYS[7], ARGV[4] == '' and '-inf' or '(' .. ARGV[4], '+inf',
  'WITHSCORES', 'LIMIT', 0, 1000)
local found = {call('ZCARD', KEYS[7]), keys[2000] or ''}
local has_originals = call('EXISTS', KEYS[8]) == 1
for place = 1, #keys, 2 do
  found[#found + 1] = has_originals and call('HGET', KEYS[8], keys[place]) or '0' .. keys[place]
end
return found

--- keys_since
-- ARGV[4] is a number of changes, if any; of ARGV[5], `1` asks for those keys alone that only Python can compare.
-- The number of changes, that of keys, and three for each key: its place, itself, and its original form.
@home
@there
local found = {call('HGET', KEYS[5], 'seq') or '0', call('ZCARD', KEYS[7])}
local keys = call('ZRANGEBYSCORE', KEYS[7], ARGV[4] == '' and '-inf' or '(' .. ARGV[4], '+inf', 'WITHSCORES')
local has_originals = call('EXISTS', KEYS[8]) == 1
for place = 1, #keys, 2 do
  local original = has_originals and call('HGET', KEYS[8], keys[place]) or '0'
  if ARGV[5] ~= '1' or string.byte(original) == 52 then
    found[#found + 1] = keys[place + 1]
    found[#found + 1] = keys[place]
    found[#found + 1] = original
  end
end
return found

--- keys_at
-- The number of changes, and two for each place in ARGV: its key, empty if it has none, and the original form.
@home
@there
local found = {call('HGET', KEYS[5], 'seq') or '0'}
for place = 4, #ARGV do
  local key = call('ZRANGEBYSCORE', KEYS[7], ARGV[place], ARGV[place])[1] or ''
  found[#found + 1] = key
  found[#found + 1] = call('HGET', KEYS[8], key) or '0'
end
return found

--- keys_stamp
@home
@there
return call('HGET', KEYS[5], 'seq') or '0'

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
local function enter(key, original)
  call('ZADD', KEYS[7], call('HINCRBY', KEYS[5], 'seq', 1), key)
  if original ~= '' then call('HSET', KEYS[8], key, original) end
  if string.byte(original) == 52 then call('HINCRBY', KEYS[5], 'opaque', 1) end
end
local function set(key, original, value)
  local old = call('HGET', KEYS[6], key)
  call('HSET', KEYS[6], key, value)
  if old then release(old) else enter(key, original) end
end

--- may_set
-- Whether a condition allows to set keys. `v` and a version is that the map has it; those that follow are about new
-- keys alone: `k` and a number, that no key came or went since it; `c`, that Python has nothing to compare.
@opaque
local function may_set(condition, first, step)
  local kind, stamp = string.sub(condition, 1, 1), string.sub(condition, 2)
  if kind == 'v' then return stamp == call('HGET', KEYS[5], 'ver') end
  if kind == '' or (kind == 'k' and stamp == (call('HGET', KEYS[5], 'seq') or '0')) then return true end
  local beside_opaque = kind == 'k' or count_opaque() > 0
  for place = first, #ARGV, step do
    local is_compared = not beside_opaque and string.byte(ARGV[place + 1]) ~= 52
    if not is_compared and call('HEXISTS', KEYS[6], ARGV[place]) == 0 then return false end
  end
  return true
end

--- unset
local function unset(key)
  local old = call('HGET', KEYS[6], key)
  if old then
    local original = call('HGET', KEYS[8], key)
    call('HDEL', KEYS[6], key)
    call('ZREM', KEYS[7], key)
    call('HINCRBY', KEYS[5], 'seq', 1)
    if original then
      call('HDEL', KEYS[8], key)
      if string.byte(original) == 52 then call('HINCRBY', KEYS[5], 'opaque', -1) end
    end
  end
  return old
end

--- change_all
-- As many keys as ARGV[6] says follow that go, then those that come, with their original form and value.
local first, values = 7 + tonumber(ARGV[6]), {}
for place = first + 2, #ARGV, 3 do values[#values + 1] = ARGV[place] end
local function change_all()
  for place = 7, first - 1 do release(unset(ARGV[place])) end
  for place = first, #ARGV, 3 do set(ARGV[place], ARGV[place + 1], ARGV[place + 2]) end
  call('HINCRBY', KEYS[5], 'ver', 1)
end

--- change
-- ARGV[4] is a condition; of ARGV[5], `1` empties the map first.
@changes
@grows
@home
@once
@refs
@there
@set
@unset
@may_set
@change_all
if not may_set(ARGV[4], first, 3) then return 0 end
if not retain_all(values) then return redis.error_reply('SVGONE variable') end
if ARGV[5] == '1' then
  for _, value in ipairs(call('HVALS', KEYS[6])) do release(value) end
  call('DEL', KEYS[6], KEYS[7], KEYS[8])
  call('HINCRBY', KEYS[5], 'seq', 1)
  call('HDEL', KEYS[5], 'opaque')
end
change_all()
return done(1)

--- get_or_insert
@changes
@grows
@home
@once
@refs
@there
@set
@may_set
local value, is_new = call('HGET', KEYS[6], ARGV[4]), 0
if not value then
  if not may_set(ARGV[7], 4, 9) then return false end
  value, is_new = ARGV[6], 1
  if not retain_all({value}) then return redis.error_reply('SVGONE variable') end
  set(ARGV[4], ARGV[5], value)
  call('HINCRBY', KEYS[5], 'ver', 1)
end
return done({hold(value), is_new})

--- remove
@changes
@home
@once
@refs
@there
@unset
@opaque
local value = unset(ARGV[4])
if not value then return count_opaque() end
call('HINCRBY', KEYS[5], 'ver', 1)
hold(value)
release(value)
return done(value)

--- pop_last
@changes
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
@changes
@grows
@home
@once
@refs
@there
@sum
@set
@may_set
local old = call('HGET', KEYS[6], ARGV[4])
if not old and not may_set(ARGV[7], 4, 9) then return false end
local sum = add(KEYS[6], ARGV[4], ARGV[6], old)
if not sum then return redis.error_reply('SVNAN value') end
if not old then enter(ARGV[4], ARGV[5]) end
call('HINCRBY', KEYS[5], 'ver', 1)
return done(sum)

--- all_items
-- All keys as they were put in, and the values behind them if they are asked for.
local function all_items(has_values)
  local keys, found = call('ZRANGE', KEYS[7], 0, -1), {}
  local has_originals = call('EXISTS', KEYS[8]) == 1
  for first = 1, #keys, 1000 do
    local last = math.min(first + 999, #keys)
    local originals = has_originals and call('HMGET', KEYS[8], unpack(keys, first, last)) or {}
    local values = has_values and call('HMGET', KEYS[6], unpack(keys, first, last)) or {}
    for place = first, last do
      found[#found + 1] = originals[place - first + 1] or '0' .. keys[place]
      if has_values then found[#found + 1] = lend(values[place - first + 1]) end
    end
  end
  return found
end

--- items
-- Of ARGV[4], `1` asks for the values.
@home
@once
@refs
@there
@all_items
return answer(all_items(ARGV[4] == '1'))
