/** `beryl completion bash|zsh|fish`: a script for the shell, which asks `beryl` itself what may come next. */
import { nearest } from '../../config/nearest.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'

const scripts = {
  bash: `# source <(beryl completion bash)
_beryl() {
  local IFS=$'\\n'
  COMPREPLY=($(beryl --complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _beryl beryl
`,
  zsh: `#compdef beryl
# beryl completion zsh > "\${fpath[1]}/_beryl"
_beryl() {
  local -a found
  found=("\${(@f)$(beryl --complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "\${found[1]}" ]] && compadd -a found || _files
}
compdef _beryl beryl
`,
  fish: `# beryl completion fish > ~/.config/fish/completions/beryl.fish
complete -c beryl -f -a '(beryl --complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
} as const

export async function completion(_: Globals, shell: string): Promise<number> {
  const known = Object.keys(scripts)
  if (!(shell in scripts))
    throw new ProblemError({
      status: 400,
      code: 'usage',
      title: `there is no completion for ${shell}${nearest(shell, known)}`,
      hint: `beryl completion ${known.join('|')}`,
    })
  process.stdout.write(scripts[shell as keyof typeof scripts])
  return exitCodes.done
}
