/** Something in the manifest that no schema can say, and where. */
export type CrossProblem = { path: (string | number)[]; message: string }
