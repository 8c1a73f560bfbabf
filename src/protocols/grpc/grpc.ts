/**
 * gRPC as gates read it, after `verification/grpc/` has put it into HTTP's words: a call that did not end with OK is an error status, the message of
 * one that did is JSON. Answers of `ModelInfer` are read as KServe V2's REST form is; of others the message itself is the value.
 */
import { inferAnswer } from '../kserve-v2.ts'
import { isObject, jsonIn, pathOf } from '../protocol.ts'
import type { Protocol } from '../protocol.ts'
import { inferPath } from './kserve-messages.ts'
import { messageFromJson } from './messages.ts'
import { ProtobufError } from './protobuf.ts'

export const grpc: Protocol = {
  read({ body }, asked) {
    const whole = jsonIn(body)
    if (pathOf(asked) === inferPath) return inferAnswer(whole)
    if (!isObject(whole)) return { failure: 'the answer is no message' }
    const { base64 } = whole
    return {
      value: typeof base64 === 'string' ? base64 : whole,
      whole,
      firstTokenMs: null,
      wrong: null,
    }
  },
  wrongRequest(body, target) {
    try {
      messageFromJson(pathOf({ target }), body)
      return null
    } catch (error) {
      if (error instanceof ProtobufError) return `no message of ${target}: ${error.message}`
      throw error
    }
  },
}
