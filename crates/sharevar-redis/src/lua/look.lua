--- variables
-- Tells of variables as of one moment, for tools. Each argument has a letter for each key of a variable: `f` for its
-- fields, `c` for those of a condition, `l` and `z` for a list and an order that are as long as the variable, `h` for
-- what clients hold, `w` for waiters, and `n` for a key that only takes memory.
@reads
local call, place, measures, found = redis.call, 1, true, {}
for number, letters in ipairs(ARGV) do
  local fields, length, held, count, waiters, bytes = {}, false, {}, 0, {}, 0
  for letter in string.gmatch(letters, '.') do
    local key = KEYS[place]
    place = place + 1
    if letter == 'f' then
      fields = call('HMGET', key, 'number', 'ver', 'count', 'owner', 'inside', 'token', 'free')
    elseif letter == 'c' then
      fields = call('HMGET', key, 'number', 'v')
    elseif letter == 'l' then
      length = call('LLEN', key)
    elseif letter == 'z' then
      length = call('ZCARD', key)
    elseif letter == 'h' then
      held = call('HGETALL', key)
    elseif letter == 'w' then
      count = count + call('ZCARD', key)
      for _, waiter in ipairs(call('ZRANGE', key, 0, 15)) do waiters[#waiters + 1] = waiter end
    end
    -- A user who may not ask is refused once in a script, and not once for each key.
    local used = measures and redis.pcall('MEMORY', 'USAGE', key)
    if type(used) == 'number' then bytes = bytes + used elseif used then measures = false end
  end
  found[number] = {fields, length, held, count, waiters, measures and bytes}
end
return found
