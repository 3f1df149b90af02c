--- barrier
-- KEYS[6] has the indices of those that have arrived, KEYS[7] the outcomes of those that have not looked yet,
-- KEYS[8] those that wait to arrive.
local prefix = string.sub(me, 1, -17)
local function decide(is_broken)
  call('HDEL', KEYS[5], 'running')
  local arrived = call('HGETALL', KEYS[6])
  for place = 1, #arrived, 2 do
    call('HSET', KEYS[7], arrived[place], is_broken and '-1' or arrived[place + 1])
    call('PUBLISH', prefix .. string.sub(arrived[place], 1, 16), arrived[place])
  end
  call('DEL', KEYS[6])
  wake(KEYS[8], ALL)
end
local function break_it()
  call('HSET', KEYS[5], 'broken', 1)
  decide(true)
end

--- deaths
-- A barrier breaks when one has ended that has arrived.
for _, party in ipairs(call('HKEYS', KEYS[6])) do
  if not is_live(string.sub(party, 1, 16)) then
    break_it()
    break
  end
end

--- arrive
-- ARGV[4] is the one that arrives, ARGV[5] the waiter, ARGV[6] its place. What is left to do, and the index.
@locks
@home
@once
@there
@live
@wake
@wait
@barrier
@deaths
local broken, running, parties, action = unpack(call('HMGET', KEYS[5], 'broken', 'running', 'parties', 'v'))
if running then return wait(KEYS[8], ARGV[5], ARGV[6]) end
if ARGV[5] ~= '' then call('ZREM', KEYS[8], ARGV[5]) end
if broken then return done({'over', '-1'}) end
local index = call('HLEN', KEYS[6])
local is_last = index + 1 >= tonumber(parties)
if is_last and not action then
  decide(false)
  return done({'over', tostring(index)})
end
call('HSET', KEYS[6], ARGV[4], index)
if is_last then call('HSET', KEYS[5], 'running', 1) end
return done({is_last and 'run' or 'wait', tostring(index)})

--- await
-- ARGV[4] is one that has arrived.
@home
@once
@there
@live
@wake
@barrier
@deaths
local outcome = call('HGET', KEYS[7], ARGV[4])
if not outcome then
  if call('HEXISTS', KEYS[6], ARGV[4]) == 1 then return false end
  -- This arrival was lost with a primary, and one who comes does not wait again: the others would wait in vain. Those
  -- whose action runs have all arrived.
  if call('HEXISTS', KEYS[5], 'running') == 0 then break_it() end
  return done('-1')
end
call('HDEL', KEYS[7], ARGV[4])
return done(outcome)

--- withdraw
-- Its time is up: the barrier breaks, unless the action decides.
@home
@once
@there
@wake
@barrier
if call('HEXISTS', KEYS[7], ARGV[4]) == 0 and call('HEXISTS', KEYS[5], 'running') == 0 then break_it() end
local outcome = call('HGET', KEYS[7], ARGV[4])
call('HDEL', KEYS[7], ARGV[4])
return done(outcome)

--- leave
-- One has not arrived after all; whether that is so. Of ARGV[5], `1` says that it was to run the action, and `0`
-- that it stays if another runs it, since all have arrived then. Indices have no gaps: the last to arrive gets
-- its index.
@home
@once
@there
call('HDEL', KEYS[7], ARGV[4])
local index = call('HGET', KEYS[6], ARGV[4])
if index and ARGV[5] == '0' and call('HEXISTS', KEYS[5], 'running') == 1 then index = false end
if index then
  if ARGV[5] == '1' then call('HDEL', KEYS[5], 'running') end
  call('HDEL', KEYS[6], ARGV[4])
  local last = tostring(call('HLEN', KEYS[6]))
  local arrived = call('HGETALL', KEYS[6])
  for place = 1, #arrived, 2 do
    if arrived[place + 1] == last then call('HSET', KEYS[6], arrived[place], index) end
  end
end
return done(index and 1 or 0)

--- finish
-- The action has ended; of ARGV[5], `1` says that it went well.
@locks
@home
@once
@there
@wake
@barrier
if call('HEXISTS', KEYS[6], ARGV[4]) == 1 then
  if ARGV[5] == '1' then decide(false) else break_it() end
end
local outcome = call('HGET', KEYS[7], ARGV[4]) or '-1'
call('HDEL', KEYS[7], ARGV[4])
return done(outcome)

--- abort
@locks
@home
@once
@there
@wake
@barrier
break_it()
return done(1)

--- reset
@locks
@home
@once
@there
@wake
@barrier
decide(true)
call('HDEL', KEYS[5], 'broken')
return done(1)

--- action
@home
@there
local action = call('HGET', KEYS[5], 'v')
if not action then return false end
@once
@refs
return done(hold(action))

--- state
@home
@there
local found = call('HMGET', KEYS[5], 'parties', 'limit', 'broken')
found[4] = tostring(call('HLEN', KEYS[6]))
return found
