import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName, inspectEach } from '#cli/each.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { boolean, text } from '#cli/values.ts';
import { needSecret, readSecret } from '#secret/secret.ts';
import { describeSecret, inspectSecret } from '#secret/view.ts';

export default command({
  usage: 'SECRET [SECRET...]',
  summary: 'Display detailed information on one or more secrets',
  examples: [{ does: 'When a secret was made', line: "wherry secret inspect -f '{{.CreatedAt}}' password" }],
  flags: {
    format: { short: 'f', as: text, summary: FORMAT_SUMMARY },
    pretty: { as: boolean, summary: 'Print the information in a human friendly format' },
    showsecret: { as: boolean, summary: 'Display the secret itself, too' },
  },
  run: (context, names, { format, pretty, showsecret }) => {
    if (pretty && format) {
      throw new WherryError('invalid', '--format is incompatible with human friendly format');
    }
    const find = (name: string) => {
      const secret = needSecret(context.store, name);
      return inspectSecret(secret, showsecret ? readSecret(context.store, secret.id) : undefined);
    };
    if (!pretty) return inspectEach(context, names, find, format);
    return eachName(context, names, (name) => describeSecret(needSecret(context.store, name)), {
      show: (_name, description) => description,
    });
  },
});
