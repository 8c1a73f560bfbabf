import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonPath, JsonPathError } from './json-path.ts'

const answer = {
  label: 'fr',
  none: null,
  choices: [{ text: 'one' }, { text: 'two' }, { other: 3 }],
  'a.b': { "it's": 1, 'x"y': 2, 'l\nf': 3, é: 4 },
}

test('a path names one place, and reads undefined where nothing is', () => {
  const cases: [string, unknown][] = [
    ['$', answer],
    ['$.label', 'fr'],
    ['$.none', null],
    ['$.choices[0].text', 'one'],
    ['$.choices[-1].other', 3],
    ['$["a.b"].é', 4],
    [`$['a.b']['it\\'s']`, 1],
    [`$['a.b']["it's"]`, 1],
    [`$["a.b"]["x\\"y"]`, 2],
    [`$["a.b"]["l\\nf"]`, 3],
    [`$["a.b"]["\\u00e9"]`, 4],
    ['$.choices[7].text', undefined],
    ['$.choices[-4]', undefined],
    ['$.choices.length', undefined],
    ['$.label[0]', undefined],
    ['$.toString', undefined],
    ['$.none.more', undefined],
  ]
  for (const [path, expected] of cases) assert.deepEqual(jsonPath(path)(answer), expected, path)
})

test('a path with a star reads the list of what is there', () => {
  assert.deepEqual(jsonPath('$.choices[*].text')(answer), ['one', 'two'])
  assert.deepEqual(jsonPath('$.choices[*][*]')(answer), ['one', 'two', 3])
  assert.deepEqual(jsonPath('$.choices.*.other')(answer), [3])
  assert.deepEqual(jsonPath('$.label[*]')(answer), [])
})

test('a path that is not supported is refused when it is read, and named', () => {
  const cases: [string, RegExp][] = [
    ['label', /begins with \$/],
    ['$..text', /descendants are not supported/],
    ['$.choices[?@.text]', /filters are not supported/],
    ['$.choices[0:2]', /slices are not supported/],
    ['$.choices[0,1]', /lists of selectors are not supported/],
    ['$.choices[01]', /at place 10 is not understood/],
    ['$.choices[', /"\[" at place 10/],
    ['$.', /not understood/],
    ["$['a\\q']", /\\q is no escape/],
  ]
  for (const [path, message] of cases)
    assert.throws(
      () => jsonPath(path),
      (error) => error instanceof JsonPathError && message.test(error.message),
      path,
    )
})
