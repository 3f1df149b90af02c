--- shape
@home
@there
return call('HMGET', KEYS[5], 'format', 'size', 'count')

--- load
@home
@there
return call('GETRANGE', KEYS[6], ARGV[4], ARGV[5])

--- store
-- Places in bytes, each with what goes there.
@changes
@home
@once
@there
for place = 4, #ARGV, 2 do call('SETRANGE', KEYS[6], ARGV[place], ARGV[place + 1]) end
return done(1)
