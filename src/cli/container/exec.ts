import { attendExec } from '#cli/attend-exec.ts';
import { command, given } from '#cli/command.ts';
import { readEnvFile } from '#cli/run-files.ts';
import { environment } from '#cli/run-values.ts';
import { boolean, list, text, unsigned } from '#cli/values.ts';

export default command({
  usage: 'CONTAINER COMMAND [ARG...]',
  summary: 'Execute a command in a running container',
  details: `
    The exit status is the command's; 126 when it can't be executed, 127 when the container does not have it. The
    process goes on when this command is killed, and signals are not forwarded.`,
  examples: [{ does: 'A shell beside the running server', line: 'wherry exec -it web sh' }],
  interspersed: false,
  flags: {
    detach: { short: 'd', as: boolean, summary: 'Detached mode: run command in the background' },
    'detach-keys': { as: text, summary: 'Override the key sequence for detaching a container' },
    env: { short: 'e', as: environment, summary: 'Set environment variables' },
    'env-file': { as: list, summary: 'Read in a file of environment variables' },
    interactive: { short: 'i', as: boolean, summary: 'Keep STDIN open even if not attached' },
    'preserve-fds': { as: unsigned, summary: 'Pass a number of additional file descriptors to the process' },
    privileged: { as: boolean, summary: 'Give extended privileges to the command' },
    tty: { short: 't', as: boolean, summary: 'Allocate a pseudo-TTY' },
    user: { short: 'u', as: text, summary: 'Username or UID (format: "<name|uid>[:<group|gid>]")' },
    workdir: { short: 'w', as: text, summary: 'Working directory inside the container' },
  },
  run: async (context, [name = '', ...cmd], { detach, detachKeys, env, envFile, interactive, ...flags }) => {
    const attached = !detach;
    return attendExec(
      context,
      name,
      {
        cmd,
        env: [...envFile.flatMap(readEnvFile), ...env],
        tty: flags.tty,
        detach,
        privileged: flags.privileged,
        streams: { stdin: attached && interactive, stdout: attached, stderr: attached && !flags.tty },
        ...given({
          user: flags.user || undefined,
          workdir: flags.workdir || undefined,
          preserveFds: flags.preserveFds || undefined,
        }),
      },
      detachKeys,
    );
  },
});
