import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';

export default command({
  usage: 'SHELL',
  summary: 'Print the completion script for a shell (bash, zsh or fish)',
  details: `
    The script asks the program itself for what may come next, so it need not be made again after an update.`,
  examples: [{ does: 'Have the script for bash', line: 'wherry completion bash' }],
  flags: {},
  store: false,
  run: (context, [shell = '']) => context.out.write(completionScript(shell, context.program)),
});

const SCRIPTS: Record<string, (program: string) => string> = {
  bash: (program) => `# bash completion for ${program}
_${program}() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(${program} __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _${program} ${program}
`,
  zsh: (program) => `#compdef ${program}
_${program}() {
  local line
  local -a answers
  while IFS= read -r line; do
    answers+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(${program} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#answers} )); then
    _describe -t commands '${program}' answers
  else
    _files
  fi
}
if [ "\${funcstack[1]}" = "_${program}" ]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`,
  fish: (program) => `# fish completion for ${program}
function __${program}_complete
  set -l words (commandline -opc)
  ${program} __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c ${program} -a '(__${program}_complete)'
`,
};

/** The script that makes a shell complete this program's command line. Throws kind `invalid` for another shell. */
function completionScript(shell: string, program: string): string {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script !== undefined) return script(program);
  throw new WherryError(
    'invalid',
    `Cannot complete for shell ${JSON.stringify(shell)}: only ${Object.keys(SCRIPTS).join(', ')} are known`,
    {
      hint: `Run \`${program} completion bash\``,
    },
  );
}
