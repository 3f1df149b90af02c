do
  local last = redis.call('HGET', KEYS[2], ARGV[2])
  if not last and redis.call('EXISTS', KEYS[2]) == 0 then return redis.error_reply('SVLEASE client') end
  local number = last and tonumber(cmsgpack.unpack(last)[1])
  if number ~= tonumber(ARGV[3]) and number ~= tonumber(ARGV[3]) - 1 then return 1 end
end
