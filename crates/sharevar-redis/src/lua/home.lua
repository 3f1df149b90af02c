--- find
-- The home of that name, which is made if there is none.
if redis.call('HSETNX', KEYS[1], 'id', ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], 'layout', ARGV[2], 'pickle', ARGV[3])
end
return redis.call('HMGET', KEYS[1], 'id', 'layout', 'pickle')

--- adopt
-- Gives the home the history of this server, and returns its identity in that. ARGV[1] is its identity. The numbers
-- of variables and the tokens of holds go on ARGV[2] steps further, so that none was also given out in a part of the
-- last history that was lost. The script asks the server by itself: an answer of before may be an old one.
local call, root = redis.call, KEYS[1]
if call('HGET', root, 'id') ~= ARGV[1] then return redis.error_reply('SVCLOSED home') end
local told = call('INFO', 'replication')
if string.find(told, 'role:slave', 1, true) then return redis.error_reply('READONLY it is a replica by now') end
local name = string.match(told, 'master_replid:(%x+)') or string.match(call('INFO', 'server'), 'run_id:(%x+)')
if not name then return redis.error_reply('SVBAD home') end
local history, last = ARGV[1] .. string.sub(name, 1, 16), call('HGET', root, 'history')
if last ~= history then
  if last then
    call('HINCRBY', root, 'next', string.format('%.0f', ARGV[2] * 2 ^ 22))
    call('HINCRBY', root, 'token', string.format('%.0f', ARGV[2] * 2 ^ 28))
  end
  call('HSET', root, 'history', history)
end
return history

--- register
-- ARGV[6] and [7] are the machine and the number of the process, for tools. No field of a client but a handle's may
-- begin with `h`, none but a named hold's with `n`, and none but a host's with `@`.
@home
@live
call('HSET', me, 'since', time[1], 'machine', ARGV[6], 'process', ARGV[7])
call('ZADD', leases, now + tonumber(ARGV[4]), ARGV[5])
return 1

--- reserve
@home
@once
return done(call('HINCRBY', root, 'next', ARGV[4]))

--- tick
-- Renews the lease. Tells of a client whose lease has ended, and of dead variables.
@home
@live
if call('EXISTS', me) == 0 then return redis.error_reply('SVLEASE client') end
call('ZADD', leases, now + tonumber(ARGV[4]), ARGV[5])
local ended = call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 1)
return {ended[1] or false, call('LRANGE', KEYS[3], 0, 63)}

--- sweep
-- Gives up what a client held, in steps. KEYS[5] is that client, KEYS[6] its inbox, KEYS[7] the hosts; ARGV[4] is
-- its name; of ARGV[5], `1` ends a lease that has not ended. The inbox stays for ARGV[6] milliseconds, in which its
-- senders learn what was not taken from it. Whether something is left.
@home
@live
@refs
if ARGV[5] ~= '1' and is_live(ARGV[4]) then return 0 end
local cursor, count = '0', 0
repeat
  local found = call('HSCAN', KEYS[5], cursor, 'MATCH', 'h*', 'COUNT', 500)
  cursor = found[1]
  for place = 1, #found[2], 2 do
    local number = string.sub(found[2][place], 2)
    call('HDEL', KEYS[5], found[2][place])
    if call('HINCRBY', root, number, '-' .. found[2][place + 1]) <= 0 then
      call('HDEL', root, number)
      call('RPUSH', dead, number)
    end
    count = count + 1
  end
until cursor == '0' or count > 500
if cursor ~= '0' then return 1 end
for _, field in ipairs(call('HKEYS', KEYS[5])) do
  local host = string.match(field, '^@(.+)')
  if host and call('HGET', KEYS[7], host) == ARGV[4] then call('HDEL', KEYS[7], host) end
end
call('PEXPIRE', KEYS[6], ARGV[6])
call('DEL', KEYS[5])
call('ZREM', leases, ARGV[4])
return 0

--- create
-- ARGV[4] is the number, ARGV[5] the bytes of an array; then fields and their values. 0 if the number is taken.
@changes
@grows
@home
@once
@refs
if call('EXISTS', KEYS[5]) == 1 or call('HEXISTS', root, ARGV[4]) == 1 then return 0 end
local fields = {}
for place = 6, #ARGV do fields[#fields + 1] = ARGV[place] end
for place = 1, #fields, 2 do
  if fields[place] == 'v' and not are_there({fields[place + 1]}) then
    return redis.error_reply('SVGONE variable')
  end
end
for place = 1, #fields, 2 do
  if fields[place] == 'v' then retain(fields[place + 1]) end
end
if ARGV[5] ~= '0' then call('SETRANGE', KEYS[6], tonumber(ARGV[5]) - 1, '\0') end
call('HSET', KEYS[5], 'number', ARGV[4], 'ver', 0, unpack(fields))
keep(ARGV[4])
return done(1)

--- open
@home
@once
@refs
if call('HEXISTS', root, ARGV[4]) == 0 then return redis.error_reply('SVGONE variable') end
keep(ARGV[4])
return done(1)

--- release
-- A handle whose count was lost with a primary is none here, and gives up that of no other client.
@home
@once
@refs
for place = 4, #ARGV do
  local number = ARGV[place]
  if call('HEXISTS', me, 'h' .. number) == 1 then
    if call('HINCRBY', me, 'h' .. number, -1) <= 0 then call('HDEL', me, 'h' .. number) end
    drop(number)
  end
end
return done(1)

--- reap
-- Takes a dead variable apart, in steps. KEYS[5] and on are its parts. Whether something is left.
@home
@refs
if call('HEXISTS', root, ARGV[4]) == 1 then return 0 end
local content, order = KEYS[6], KEYS[7]
if call('TYPE', content).ok == 'list' then
  for _, value in ipairs(call('LPOP', content, 500) or {}) do release(value) end
  if call('EXISTS', content) == 1 then return 1 end
elseif call('TYPE', content).ok == 'hash' then
  for _, key in ipairs(call('ZRANGE', order, 0, 499)) do
    release(call('HGET', content, key))
    call('HDEL', content, key)
    call('ZREM', order, key)
  end
  if call('EXISTS', order) == 1 then return 1 end
end
release(call('HGET', KEYS[5], 'v'))
for place = 5, #KEYS do call('UNLINK', KEYS[place]) end
call('LREM', dead, 0, ARGV[4])
return 0

--- count
@home
return call('HKEYS', root)

--- check
@home
return 1

--- close
-- Puts the home aside, below KEYS[5], where no client looks for it.
@home
call('HDEL', root, 'id', 'history')
call('RENAME', root, KEYS[5])
return 1

--- purge
-- Deletes what is left of a closed home.
for _, key in ipairs(KEYS) do redis.call('UNLINK', key) end
return 1

--- clients
return redis.call('ZRANGE', KEYS[1], 0, -1)

--- kept
return redis.call('HKEYS', KEYS[1])

--- leave
-- Ends a wait. One that was woken passes that on. KEYS[5] is where it waited.
@home
@wake
if call('ZREM', KEYS[5], ARGV[4]) == 0 then wake(KEYS[5], 1) end
return 1
