--- announce
-- KEYS[5] has the hosts by their names. Makes ARGV[5] the host ARGV[4]; otherwise the client that is it, and when
-- its lease ends.
@locks
@grows
@home
@once
@live
local known = call('HGET', KEYS[5], ARGV[4])
if known and known ~= ARGV[5] and is_live(known) then return {known, call('ZSCORE', leases, known)} end
call('HSET', KEYS[5], ARGV[4], ARGV[5])
call('HSET', me, '@' .. ARGV[4], 1)
return done(1)

--- renounce
-- ARGV[5] is the host ARGV[4] no more.
@home
if call('HGET', KEYS[5], ARGV[4]) == ARGV[5] then call('HDEL', KEYS[5], ARGV[4]) end
call('HDEL', me, '@' .. ARGV[4])
return 1

--- seek
-- The client that is the host ARGV[4], and whether its lease goes on.
@home
@live
local known = call('HGET', KEYS[5], ARGV[4])
if not known then return false end
return {known, is_live(known) and 1 or 0}

--- attend
-- ARGV[4] is this client, ARGV[5] the number of names that follow, by which it is a host; then come other clients.
-- The names that it has lost, and the clients whose leases have ended.
@home
@live
if call('EXISTS', me) == 0 then return redis.error_reply('SVLEASE client') end
local lost, ended, names = {}, {}, tonumber(ARGV[5])
for place = 6, 5 + names do
  if call('HGET', KEYS[5], ARGV[place]) ~= ARGV[4] then lost[#lost + 1] = ARGV[place] end
end
for place = 6 + names, #ARGV do
  if not is_live(ARGV[place]) then ended[#ended + 1] = ARGV[place] end
end
return {lost, ended}

--- push
-- Entries that are sent, and other steps.
@grows
@steps

--- tell
-- The same without entries that are sent, also when memory has run out: ends of connections free some.
@steps

--- steps
-- In threes: what is to be done, the place of an inbox among the keys, and an entry or its identity. An entry that
-- is sent goes to no client whose lease has ended; one that is noted goes also to an inbox that is left. For each the
-- identity of the new entry, or whether one was withdrawn.
@home
@once
@live
local done_so = {}
for place = 4, #ARGV, 3 do
  local what, inbox, value = ARGV[place], KEYS[tonumber(ARGV[place + 1])], ARGV[place + 2]
  local result = ''
  if what == 'send' then
    if is_live(string.sub(inbox, -19, -4)) then result = call('XADD', inbox, '*', 'm', value) end
  elseif what == 'note' then
    -- One that lives, and to which nothing was sent before, has no inbox yet.
    if is_live(string.sub(inbox, -19, -4)) then result = call('XADD', inbox, '*', 'm', value)
    else result = call('XADD', inbox, 'NOMKSTREAM', '*', 'm', value) or '' end
  else
    result = tostring(call('XDEL', inbox, value))
  end
  done_so[#done_so + 1] = result
end
return done(done_so)

--- claim
-- Takes entries out of this client's inbox, KEYS[5]. For each whether it was still there: its sender may have
-- withdrawn it.
@home
@once
local claimed = {}
for place = 4, #ARGV do claimed[#claimed + 1] = call('XDEL', KEYS[5], ARGV[place]) end
return done(claimed)
