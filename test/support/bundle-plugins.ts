/** What the bundle has otherwise than the packages as they are; each for the time that a command takes to start. */
import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** The name under which a program finds its own file's URL. */
export const PROGRAM_URL = '__program_url';

/**
 * yargs: its parser is used, and the rest of what its helpers load (a formatter, translations) is left out. The parser
 * loads node:module for a way to read files that we don't use, which costs more than the parser.
 */
export const yargs: Plugin = {
  name: 'yargs',
  setup(builder) {
    builder.onResolve({ filter: /^yargs\/helpers$/ }, () => ({ path: 'helpers', namespace: 'yargs' }));
    builder.onResolve({ filter: /^(node:)?module$/ }, ({ importer }) =>
      importer.includes('/yargs-parser/') ? { path: 'module', namespace: 'yargs' } : null,
    );
    builder.onLoad({ filter: /./, namespace: 'yargs' }, ({ path }) => ({
      contents:
        path === 'helpers'
          ? "export { default as Parser } from 'yargs-parser'"
          : 'export const createRequire = undefined',
      resolveDir: fileURLToPath(new URL('../../node_modules/yargs', import.meta.url)),
    }));
  },
};

/** cli-table3 measures by a regular expression over all emoji; Docker counts letters. */
export const stringWidth: Plugin = {
  name: 'string-width',
  setup(builder) {
    builder.onResolve({ filter: /^string-width$/ }, () => ({ path: 'string-width', namespace: 'width' }));
    builder.onLoad({ filter: /./, namespace: 'width' }, () => ({
      contents: 'module.exports = (text) => [...text].length',
    }));
  },
};

/**
 * undici does without HTTP/2 where Node has none, and registries are spoken to by HTTP/1.1; of Node's own HTTP it wants a
 * bound for headers (Node's default) and to tell whether a body is a request to Node's server, which ours never are.
 * Loading the two costs 15 ms.
 */
export const undici: Plugin = {
  name: 'undici',
  setup(builder) {
    builder.onResolve({ filter: /^node:http2?$/ }, ({ path, importer }) =>
      importer.includes('/undici/') ? { path, namespace: 'undici' } : null,
    );
    builder.onLoad({ filter: /./, namespace: 'undici' }, ({ path }) => ({
      contents:
        path === 'node:http2'
          ? 'module.exports = { constants: {} }'
          : 'module.exports = { IncomingMessage: class {}, maxHeaderSize: 16384 }',
    }));
  },
};

/** Modules of Node that cost milliseconds: their functions load them when they are first called. */
const HEAVY =
  /^(child_process|crypto|dns|fs\/promises|https?|net|readline|stream|stream\/promises|tls|tty|worker_threads|zlib)$/;

/**
 * `import … from 'node:fs'` reads every property of the module, and so makes Node load what stands behind its lazy ones
 * (streams, promises, readline, workers: 10 ms). Here only the names that are used are read, off the module itself.
 */
export const builtins: Plugin = {
  name: 'builtins',
  setup(builder) {
    builder.onResolve({ filter: /^[a-z0-9_:/]+$/ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return null;
      // Who says import() wants it now; and the names of the whole module would be read at the start for it.
      const isWhole = kind === 'require-call' || kind === 'dynamic-import';
      return { path: path.replace(/^node:/, ''), namespace: isWhole ? 'required' : 'imported' };
    });
    const module = (path: string) => `process.getBuiltinModule(${JSON.stringify(`node:${path}`)})`;
    builder.onLoad({ filter: /./, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = ${module(path)}`,
    }));
    builder.onLoad({ filter: /./, namespace: 'imported' }, ({ path }) => {
      const all = { ...process.getBuiltinModule(path) } as Record<string, unknown>;
      const exported = Object.keys(all).map((name) => {
        const make = HEAVY.test(path) && typeof all[name] === 'function' ? 'later' : 'now';
        return `export const ${name} = /* @__PURE__ */ ${make}(${JSON.stringify(name)})`;
      });
      return { contents: [`const load = () => ${module(path)}`, PICKERS, ...exported].join('\n') };
    });
  },
};

/** now: the export itself. later: what looks and works like it, but loads its module only when something is done to it. */
const PICKERS = `
const now = (name) => load()[name]
const later = (name) => new Proxy(function () {}, {
  apply: (_, self, values) => Reflect.apply(now(name), self, values),
  construct: (_, values, target) => Reflect.construct(now(name), values, target),
  get: (_, key) => now(name)[key],
  has: (_, key) => key in now(name),
})`;

/** Packages that few commands need, and that are as large as all the rest: a program of their own, loaded at first use. */
const APART = [
  'undici/lib/api/index.js',
  'undici/lib/core/connect.js',
  'undici/lib/dispatcher/agent.js',
  'undici/lib/dispatcher/dispatcher.js',
  'undici/lib/dispatcher/proxy-agent.js',
  'undici/lib/dispatcher/socks5-proxy-agent.js',
  'smol-toml',
  'js-yaml',
  'yaml',
];

/** The entry `apart`: the packages by name, each loaded when it is called for. */
export const apartEntry = `module.exports = {${APART.map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(name)})`).join(',')}}`;

/** In the other entries an `import()` of such a package looks there, but for those that each run of them needs. */
export const apart = (...needed: string[]): Plugin => ({
  name: 'apart',
  setup(builder) {
    builder.onResolve({ filter: /^(undici\/|smol-toml$|(js-)?yaml$)/ }, ({ path, kind }) =>
      kind === 'dynamic-import' && APART.includes(path) && !needed.includes(path) ? { path, namespace: 'apart' } : null,
    );
    builder.onResolve({ filter: /^\.\/apart\.js$/ }, ({ path }) => ({ path, external: true }));
    builder.onLoad({ filter: /./, namespace: 'apart' }, ({ path }) => ({
      contents: `module.exports = require('./apart.js')[${JSON.stringify(path)}]()`,
    }));
  },
});

/** Of the list of commands only this one is in the program: who calls it pays for no other. */
export const onlyCommand = (module: string): Plugin => ({
  name: 'only-command',
  setup(builder) {
    builder.onResolve({ filter: /^\.\/.*\.ts$/ }, ({ path, kind, importer }) =>
      kind === 'dynamic-import' && importer.endsWith('/src/cli/commands.ts') && path !== `./${module}.ts`
        ? { path, namespace: 'absent' }
        : null,
    );
    builder.onLoad({ filter: /./, namespace: 'absent' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in the program of ${module}`)})`,
    }));
  },
});
