do
  local lock, token = table.remove(KEYS), table.remove(ARGV)
  local last = redis.call('HGET', KEYS[2], ARGV[2])
  if not (last and cmsgpack.unpack(last)[1] == ARGV[3]) then
    local held = redis.call('HMGET', lock, 'token', 'owner')
    if held[1] ~= token or not held[2] then return redis.error_reply('SVFENCED lock') end
  end
end
