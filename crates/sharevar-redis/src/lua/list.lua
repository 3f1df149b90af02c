--- list
-- KEYS[5] is the variable, KEYS[6] has the items.
local items = KEYS[6]
local function push(command, values, first, last)
  for place = first, last, 1000 do
    call(command, items, unpack(values, place, math.min(place + 999, last)))
  end
end
local function changed() call('HINCRBY', KEYS[5], 'ver', 1) end
local function reversed(values)
  local turned = {}
  for place = #values, 1, -1 do turned[#turned + 1] = values[place] end
  return turned
end
-- Replaces `count` items from `at` on, and moves the shorter part of the others.
local function splice(at, count, values)
  local length = call('LLEN', items)
  local behind = length - at - count
  if at < behind then
    local before = at > 0 and call('LRANGE', items, 0, at - 1) or {}
    call('LTRIM', items, at + count, -1)
    push('LPUSH', reversed(values), 1, #values)
    push('LPUSH', reversed(before), 1, #before)
  else
    local after = behind > 0 and call('LRANGE', items, at + count, -1) or {}
    if at == 0 then call('DEL', items) else call('LTRIM', items, 0, at - 1) end
    push('RPUSH', values, 1, #values)
    push('RPUSH', after, 1, #after)
  end
end
local function arguments(first)
  local values = {}
  for place = first, #ARGV do values[#values + 1] = ARGV[place] end
  return values
end

--- change
@home
@once
@refs
@there
@list

--- places
-- The places of a slice in a list of that length: the first, the step, and their number.
local function places(length)
  local step = tonumber(ARGV[6])
  local lowest, highest = 0, length
  if step < 0 then lowest, highest = -1, length - 1 end
  local function resolve(text, absent)
    if text == '' then return absent end
    local place = tonumber(text)
    if place < 0 then return math.max(place + length, lowest) end
    return math.min(place, highest)
  end
  local first = resolve(ARGV[4], step < 0 and highest or lowest)
  local last = resolve(ARGV[5], step < 0 and lowest or highest)
  local way = step < 0 and first - last or last - first
  return first, step, math.ceil(math.max(way, 0) / math.abs(step))
end
-- The items from the lowest place of a slice to the highest one, where those stand among them that it names, in
-- its order, and the lowest place.
local function between(first, step, count)
  if count == 0 then return {}, {}, 0 end
  local last = first + (count - 1) * step
  local low, named = math.min(first, last), {}
  for number = 0, count - 1 do named[#named + 1] = first + number * step - low + 1 end
  return call('LRANGE', items, low, math.max(first, last)), named, low
end

--- len
@home
@there
return call('LLEN', KEYS[6])

--- stamp
@home
@there
return call('HGET', KEYS[5], 'ver')

--- get
@home
@there
@plain
local value = call('LINDEX', KEYS[6], ARGV[4])
if not value then return redis.error_reply('SVINDEX ' .. call('LLEN', KEYS[6])) end
if is_plain(value) then return value end
@once
@refs
return done(hold(value))

--- set
@changes
@grows
@home
@once
@refs
@there
local old = call('LINDEX', KEYS[6], ARGV[4])
if not old then return redis.error_reply('SVINDEX ' .. call('LLEN', KEYS[6])) end
if not retain_all({ARGV[5]}) then return redis.error_reply('SVGONE variable') end
call('LSET', KEYS[6], ARGV[4], ARGV[5])
call('HINCRBY', KEYS[5], 'ver', 1)
release(old)
return done(1)

--- extend
@changes
@grows
@change
local values = arguments(4)
if not retain_all(values) then return redis.error_reply('SVGONE variable') end
push('RPUSH', values, 1, #values)
changed()
return done(1)

--- insert
@changes
@grows
@change
if not retain_all({ARGV[5]}) then return redis.error_reply('SVGONE variable') end
local length, at = call('LLEN', items), tonumber(ARGV[4])
if at < 0 then at = math.max(length + at, 0) end
if at >= length then
  call('RPUSH', items, ARGV[5])
elseif at == 0 then
  call('LPUSH', items, ARGV[5])
else
  -- A mark that is no value, before which the server puts it.
  local old = call('LINDEX', items, at)
  call('LSET', items, at, '!')
  call('LINSERT', items, 'BEFORE', '!', ARGV[5])
  call('LSET', items, at + 1, old)
end
changed()
return done(1)

--- remove
@changes
@change
local length, at = call('LLEN', items), tonumber(ARGV[4])
if at < 0 then at = at + length end
if at < 0 or at >= length then return redis.error_reply('SVINDEX ' .. length) end
local value
if at == 0 then
  value = call('LPOP', items)
elseif at == length - 1 then
  value = call('RPOP', items)
else
  value = call('LINDEX', items, at)
  call('LSET', items, at, '!')
  call('LREM', items, at < length / 2 and 1 or -1, '!')
end
changed()
hold(value)
release(value)
return done(value)

--- clear
@changes
@change
for _, value in ipairs(call('LRANGE', items, 0, -1)) do release(value) end
call('DEL', items)
changed()
return done(1)

--- reverse
@changes
@home
@once
@there
@list
local turned = reversed(call('LRANGE', items, 0, -1))
call('DEL', items)
push('RPUSH', turned, 1, #turned)
changed()
return done(1)

--- slice
-- With the version, of the same moment, in front.
@change
@places
local found = {call('HGET', KEYS[5], 'ver')}
local all, named = between(places(call('LLEN', items)))
for _, place in ipairs(named) do found[#found + 1] = lend(all[place]) end
return answer(found)

--- set_slice
@changes
@grows
@change
@places
local values = arguments(7)
local first, step, count = places(call('LLEN', items))
if step ~= 1 and count ~= #values then return redis.error_reply('SVLENGTH ' .. count) end
if not retain_all(values) then return redis.error_reply('SVGONE variable') end
if step == 1 then
  first = math.max(first, 0)
  local old = count > 0 and call('LRANGE', items, first, first + count - 1) or {}
  splice(first, count, values)
  for _, value in ipairs(old) do release(value) end
else
  local all, named, low = between(first, step, count)
  local old = {}
  for number, place in ipairs(named) do old[number], all[place] = all[place], values[number] end
  if count > 0 then splice(low, #all, all) end
  for _, value in ipairs(old) do release(value) end
end
changed()
return done(1)

--- delete_slice
@changes
@change
@places
local first, step, count = places(call('LLEN', items))
local all, named, low = between(first, step, count)
if count > 0 then
  local is_named, kept = {}, {}
  for _, place in ipairs(named) do is_named[place] = true end
  for place, value in ipairs(all) do
    if is_named[place] then release(value) else kept[#kept + 1] = value end
  end
  splice(low, #all, kept)
end
changed()
return done(1)

--- reorder
-- ARGV[4] is the version that there must be; then the places, each once.
@changes
@home
@once
@there
@list
local old = call('LRANGE', items, 0, -1)
if ARGV[4] ~= call('HGET', KEYS[5], 'ver') or #old ~= #ARGV - 4 then return 0 end
local order = arguments(5)
for place, from in ipairs(order) do order[place] = old[tonumber(from) + 1] end
call('DEL', items)
push('RPUSH', order, 1, #order)
changed()
return done(1)

--- replace
-- ARGV[4] is the version that there must be, ARGV[5] where the values go, ARGV[6] the number of places that
-- follow and go; then the values.
@changes
@grows
@change
if ARGV[4] ~= call('HGET', KEYS[5], 'ver') then return 0 end
local count = tonumber(ARGV[6])
local values = arguments(7 + count)
if not retain_all(values) then return redis.error_reply('SVGONE variable') end
local length, old = call('LLEN', items), {}
local at = math.min(tonumber(ARGV[5]), length)
local first, last = tonumber(ARGV[7]), tonumber(ARGV[6 + count])
if count == 0 then
  splice(at, 0, values)
elseif last - first + 1 == count and at >= first and at <= last then
  old = call('LRANGE', items, first, last)
  splice(first, count, values)
else
  local all, kept, gone = call('LRANGE', items, 0, -1), {}, {}
  for place = 7, 6 + count do gone[tonumber(ARGV[place]) + 1] = true end
  for place = 1, length + 1 do
    if place == at + 1 then
      for _, value in ipairs(values) do kept[#kept + 1] = value end
    end
    local value = all[place]
    if gone[place] and value then old[#old + 1] = value else kept[#kept + 1] = value end
  end
  call('DEL', items)
  push('RPUSH', kept, 1, #kept)
end
for _, value in ipairs(old) do release(value) end
changed()
return done(1)
