/** Docker's commands that make and change contexts: known, so that what they can't do is said, and not what they are. */
import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { boolean, list, text } from '#cli/values.ts';

const FORMS = {
  create: { usage: 'CONTEXT', summary: 'Create a context' },
  export: { usage: 'CONTEXT [FILE|-]', summary: 'Export a context to a tar archive FILE or a tar stream on STDOUT.' },
  import: { usage: 'CONTEXT FILE|-', summary: 'Import a context from a tar or zip file' },
  rm: { usage: 'CONTEXT [CONTEXT...]', summary: 'Remove one or more contexts' },
  update: { usage: 'CONTEXT', summary: 'Update a context' },
};

/** The definition of one of them. */
export const refused = (verb: keyof typeof FORMS) =>
  command({
    ...FORMS[verb],
    flags: {
      description: { as: text, summary: 'Description of the context', hidden: true },
      docker: { as: list, summary: 'set the docker endpoint', hidden: true },
      force: { short: 'f', as: boolean, summary: 'Force the removal of a context in use', hidden: true },
      from: { as: text, summary: 'create context from a named context', hidden: true },
    },
    store: false,
    hidden: true,
    run: () => {
      throw new WherryError(
        'unsupported',
        `Cannot ${verb} contexts: they say which daemon is meant, and containers run without one here`,
        { hint: 'There is one context, "default"' },
      );
    },
  });
