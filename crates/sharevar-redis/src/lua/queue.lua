--- queue
-- KEYS[6] has the items; with priorities it has them by members, whose order KEYS[7] has. KEYS[8] has those
-- that wait for an item, KEYS[9] for room, KEYS[10] for the end of all tasks.
local has_priorities = call('HEXISTS', KEYS[5], 'priorities') == 1
local function length()
  return call(has_priorities and 'ZCARD' or 'LLEN', KEYS[has_priorities and 7 or 6])
end
local function put(key, value)
  local number = call('HINCRBY', KEYS[5], 'put', 1)
  if has_priorities then
    local member = key .. string.format('%016x', number)
    call('ZADD', KEYS[7], 0, member)
    call('HSET', KEYS[6], member, value)
  else
    call('RPUSH', KEYS[6], value)
  end
end
local function pop()
  if not has_priorities then return call('LPOP', KEYS[6]), '' end
  local member = call('ZPOPMIN', KEYS[7])[1]
  local value = member and call('HGET', KEYS[6], member)
  if member then call('HDEL', KEYS[6], member) end
  return value, member
end

--- put
-- ARGV[4] is the waiter, ARGV[5] its place; then keys of priority and values. How many were put.
@changes
@grows
@home
@once
@refs
@there
@wake
@wait
@queue
local limit, shut = unpack(call('HMGET', KEYS[5], 'limit', 'shut'))
if shut then return redis.error_reply('SVSHUT queue') end
local values = {}
local room = limit == '0' and ALL or math.max(tonumber(limit) - length(), 0)
local last = math.min(room, (#ARGV - 5) / 2)
if last == 0 and #ARGV > 5 then return wait(KEYS[9], ARGV[4], ARGV[5]) or 0 end
for number = 1, last do values[number] = ARGV[5 + 2 * number] end
if not are_there(values) then return redis.error_reply('SVGONE variable') end
for number = 1, last do
  retain(values[number])
  put(ARGV[4 + 2 * number], values[number])
end
if ARGV[4] ~= '' then call('ZREM', KEYS[9], ARGV[4]) end
wake(KEYS[8], last)
return done(last)

--- get
-- ARGV[4] is the waiter, ARGV[5] its place, ARGV[6] the most items. Values, and for each its member if there
-- are priorities, else an empty text.
@changes
@home
@once
@refs
@there
@wake
@wait
@queue
local count = math.min(length(), tonumber(ARGV[6]))
if count == 0 then
  if call('HEXISTS', KEYS[5], 'shut') == 1 then return redis.error_reply('SVSHUT queue') end
  return wait(KEYS[8], ARGV[4], ARGV[5])
end
local found = {}
for number = 1, count do
  found[number], found[count + number] = pop()
  hold(found[number])
  release(found[number])
end
if ARGV[4] ~= '' then call('ZREM', KEYS[8], ARGV[4]) end
wake(KEYS[9], count)
return done(found)

--- put_back
-- Items that a get has taken, each with its member: they are the next ones again.
@changes
@home
@once
@refs
@there
@wake
@queue
for place = #ARGV - 1, 4, -2 do
  local value, member = ARGV[place], ARGV[place + 1]
  retain(value)
  if has_priorities then
    call('ZADD', KEYS[7], 0, member)
    call('HSET', KEYS[6], member, value)
  else
    call('LPUSH', KEYS[6], value)
  end
end
wake(KEYS[8], (#ARGV - 3) / 2)
return done(1)

--- first
@home
@there
@plain
@queue
local value
if has_priorities then
  local member = call('ZRANGE', KEYS[7], 0, 0)[1]
  value = member and call('HGET', KEYS[6], member)
else
  value = call('LINDEX', KEYS[6], 0)
end
if not value then return false end
if is_plain(value) then return value end
@once
@refs
return done(hold(value))

--- state
@home
@there
@queue
local found = call('HMGET', KEYS[5], 'limit', 'put', 'done', 'shut', 'form')
found[6] = tostring(length())
return found

--- set_limit
@changes
@home
@once
@there
@wake
call('HSET', KEYS[5], 'limit', ARGV[4])
wake(KEYS[9], ALL)
return done(1)

--- task_done
@changes
@home
@once
@there
@wake
local put, finished = unpack(call('HMGET', KEYS[5], 'put', 'done'))
if put == finished then return redis.error_reply('SVNOTASK queue') end
call('HINCRBY', KEYS[5], 'done', 1)
if put == call('HGET', KEYS[5], 'done') then wake(KEYS[10], ALL) end
return done(1)

--- join
@home
@once
@there
@wait
local put, finished = unpack(call('HMGET', KEYS[5], 'put', 'done'))
if put ~= finished then return wait(KEYS[10], ARGV[4], ARGV[5]) or 0 end
if ARGV[4] ~= '' then call('ZREM', KEYS[10], ARGV[4]) end
return done(1)

--- shut_down
@changes
@home
@once
@refs
@there
@wake
@queue
call('HSET', KEYS[5], 'shut', 1)
if ARGV[4] == '1' then
  local left = length()
  for _ = 1, left do release((pop())) end
  local put, finished = unpack(call('HMGET', KEYS[5], 'put', 'done'))
  call('HSET', KEYS[5], 'done', math.min(tonumber(put), tonumber(finished) + left))
end
for place = 8, 10 do wake(KEYS[place], ALL) end
return done(1)
