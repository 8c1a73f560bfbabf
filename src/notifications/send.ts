/** One POST. What was not answered with 2xx in time was not taken. */

export type Sent = { ok: true } | { ok: false; because: string }

/** Redirects are not followed: they may lead where only this machine may ask. Nothing of the answer is read but its status. */
export async function send(
  url: string,
  { headers, body }: { headers: Record<string, string>; body: string },
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Sent> {
  const late = AbortSignal.timeout(timeoutMs)
  try {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body,
      signal: AbortSignal.any([late, signal]),
    })
    await answer.body?.cancel().catch(() => {})
    if (answer.ok) return { ok: true }
    const redirects = answer.status >= 300 && answer.status < 400
    return {
      ok: false,
      because: `status ${answer.status}${redirects ? ': redirects are not followed, give the address itself' : ''}`,
    }
  } catch (error) {
    if (late.aborted) return { ok: false, because: `no answer within ${timeoutMs / 1000} s` }
    const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
    return { ok: false, because: cause?.code ?? cause?.message ?? message }
  }
}
