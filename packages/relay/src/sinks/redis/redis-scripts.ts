/**
 * What the sink does in Redis, in scripts, each of which is one step for everybody else. The keys of both are the consumer's
 * hash, with `owner` and `position`, and the stream of what waits for a position.
 *
 * Redis does not undo what a script did before it failed. So everything that can be refused is asked first, and the position
 * is written last: after an error messages may be there, never the position without them.
 */

/** Takes the consumer over: what waits is dropped, and whoever had it before is refused from now on. Answers the position. */
export const TAKE_OVER = `
redis.call('HSET', KEYS[1], 'owner', ARGV[1])
redis.call('DEL', KEYS[2])
return redis.call('HGET', KEYS[1], 'position')
`

/**
 * ARGV: owner, '1' and the position or '0' and '', then of each message its stream, the number of its fields and values, and
 * these. Without a position they wait; with one, what waits and these are shown together with it.
 */
export const DELIVER = `
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return redis.error_reply('FENCED another one has it') end
local last = ARGV[2] == '1'
local messages = {}
local at = 4
while at <= #ARGV do
  local count = tonumber(ARGV[at + 1])
  local fields = {}
  for i = 1, count do fields[i] = ARGV[at + 1 + i] end
  messages[#messages + 1] = { ARGV[at], fields }
  at = at + 2 + count
end
if not last then
  for _, message in ipairs(messages) do
    redis.call('XADD', KEYS[2], '*', 'stream', message[1], unpack(message[2]))
  end
  return 'OK'
end
local all = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  local fields = entry[2]
  local stream = fields[2]
  all[#all + 1] = { stream, { select(3, unpack(fields)) } }
end
for _, message in ipairs(messages) do all[#all + 1] = message end
local asked = {}
for _, message in ipairs(all) do
  local stream = message[1]
  if not asked[stream] then
    asked[stream] = true
    local kind = redis.call('TYPE', stream).ok
    if kind ~= 'stream' and kind ~= 'none' then return redis.error_reply('NOTASTREAM ' .. stream) end
    if redis.acl_check_cmd and not redis.acl_check_cmd('XADD', stream, '*', 'id', '') then
      return redis.error_reply('NOPERM XADD ' .. stream)
    end
  end
end
for _, message in ipairs(all) do redis.call('XADD', message[1], '*', unpack(message[2])) end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'position', ARGV[3])
return 'OK'
`
