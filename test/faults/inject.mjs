// Loaded before a real model server (node --import): what it does to clients' requests from some time on stands in FAULT (JSON).
// { kind: 'errors' | 'outage' | 'truncated' | 'wrongLabel' | 'slowTokens', share, afterMs, delayMs, tokenMs, brokenOnce }
// Gates ask the server itself and see nothing of it, as of faults that only live traffic finds.
import { mkdirSync } from 'node:fs'
import { Server } from 'node:http'

const {
  kind,
  share = 1,
  afterMs = 0,
  delayMs = 0,
  tokenMs = 0,
  brokenOnce,
} = JSON.parse(process.env.FAULT ?? '{}')
// Of all replicas of this version the first one is broken: whoever makes the directory.
const isBroken = brokenOnce === undefined || isFirst(brokenOnce)
const emit = Server.prototype.emit
let began = 0

Server.prototype.emit = function (event, request, response) {
  const isLive = event === 'request' && request.headers['x-forwarded-for'] !== undefined
  if (!isLive) return emit.apply(this, arguments)
  began ||= performance.now()
  const isOn = isBroken && performance.now() - began >= afterMs && Math.random() < share
  if (isOn && kind === 'outage') return request.socket.destroy()
  if (isOn && kind === 'errors') {
    request.resume()
    return response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"fault"}')
  }
  if (isOn && kind === 'truncated') truncate(response)
  if (isOn && kind === 'wrongLabel') mislabel(response)
  if (isOn && kind === 'slowTokens') pace(response)
  setTimeout(() => emit.call(this, event, request, response), delayMs)
  return true
}

/** The end is missing, and nothing in HTTP says so. */
function truncate(response) {
  const { write, end } = response
  let pieces = 0
  response.write = (piece) => (++pieces > 3 ? true : write.call(response, piece))
  response.end = (last) => {
    if (pieces === 0 && typeof last === 'string')
      write.call(response, last.slice(0, last.length / 2))
    response.write = write
    return end.call(response)
  }
}

function mislabel(response) {
  const { end } = response
  response.end = (last) => {
    const answer = JSON.parse(last)
    const language = answer.language === 'fr' ? 'de' : 'fr'
    return end.call(response, JSON.stringify({ ...answer, language }))
  }
}

/** Each piece comes so long after the one before it. */
function pace(response) {
  const { write, end } = response
  let due = performance.now()
  const later = (act) => {
    due = Math.max(due + tokenMs, performance.now())
    setTimeout(() => act(), due - performance.now())
    return true
  }
  response.write = (piece) => later(() => write.call(response, piece))
  response.end = (last) => {
    later(() => {
      response.write = write
      end.call(response, last)
    })
    return response
  }
}

function isFirst(directory) {
  try {
    mkdirSync(directory)
    return true
  } catch {
    return false
  }
}
