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
  local line current prefix= cuts=
  local -a words
  # Readline cuts words at : and =, which names and flags have inside.
  read -ra words <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:COMP_POINT-1:1} == [[:space:]] ]] && words+=('')
  current=\${words[\${#words[@]}-1]}
  [[ $COMP_WORDBREAKS == *:* ]] && cuts+=:
  [[ $COMP_WORDBREAKS == *=* ]] && cuts+='='
  [[ -n $cuts ]] && prefix=\${current%"\${current##*[$cuts]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    COMPREPLY+=("\${line#"$prefix"}")
  done < <(${program} __complete "\${words[@]:1}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *[:=] ]]; then compopt -o nospace; fi
}
complete -o default -F _${program} ${program}
if [[ $(alias docker 2>/dev/null) == *${program}* ]]; then complete -o default -F _${program} docker; fi
`,
  zsh: (program) => `#compdef ${program}
_${program}() {
  local line entry
  local -a answers open
  while IFS= read -r line; do
    entry="\${\${line%%$'\\t'*}//:/\\\\:}"
    [[ $line == *$'\\t'* ]] && entry+=":\${line#*$'\\t'}"
    # After these something follows at once.
    if [[ \${line%%$'\\t'*} == *[:=] ]]; then open+=("$entry"); else answers+=("$entry"); fi
  done < <(${program} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#open} )) && _describe -t commands '${program}' open -S ''
  (( \${#answers} )) && _describe -t commands '${program}' answers
  (( \${#open} + \${#answers} )) || _files
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
  set -l answers (${program} __complete $words[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $answers) -gt 0
    printf '%s\\n' $answers
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c ${program} -f -a '(__${program}_complete)'
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
