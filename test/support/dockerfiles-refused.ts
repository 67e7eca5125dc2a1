// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a Dockerfile's variables are written so, too
/** Dockerfiles and contexts that no image comes of. */
import type { BuildCase } from '#test/support/dockerfiles.ts';

const B = 'FROM localhost/busybox\n';
const A = { 'a.txt': 'a\n' };

export const REFUSED: readonly BuildCase[] = [
  { title: 'an empty Dockerfile', dockerfile: '' },
  { title: 'a Dockerfile of comments', dockerfile: '# only\n' },
  { title: 'an unknown instruction', dockerfile: `${B}RUN true\nRUM echo\n` },
  { title: 'an unknown flag', files: A, dockerfile: `${B}COPY --frmo=5 a.txt /\n` },
  { title: 'a source that is not there', files: A, dockerfile: `${B}COPY a.txt nope.txt /x/\n` },
  { title: 'a source that is ignored', files: { ...A, '.dockerignore': '*.txt\n' }, dockerfile: `${B}COPY a.txt /x\n` },
  { title: 'a RUN that fails', dockerfile: `${B}RUN echo before >&2 && echo bad >&2 && exit 42\n` },
  { title: 'a RUN of no program', dockerfile: `${B}RUN ["/no/such"]\n` },
  { title: 'a RUN that is killed', dockerfile: `${B}RUN sh -c 'kill -9 $$'; exit $?\n` },
  { title: 'a heredoc that fails', dockerfile: `${B}RUN <<EOF\nset -e\necho one\nfalse\necho two\nEOF\n` },
  { title: 'a heredoc without an end', dockerfile: `${B}RUN <<EOF\necho one\n` },
  {
    title: 'stages that want each other',
    dockerfile: 'FROM localhost/busybox AS a\nCOPY --from=b / /\nFROM localhost/busybox AS b\nCOPY --from=a / /\n',
  },
  { title: 'a stage of itself', dockerfile: 'FROM localhost/busybox AS a\nCOPY --from=a /etc /x\n' },
  { title: 'a target that is not there', flags: '--target nope', dockerfile: `FROM localhost/busybox AS a\n` },
  { title: 'a number of a stage that is not there', dockerfile: `${B}COPY --from=7 /x /y\n` },
  { title: 'sources above the context', files: A, dockerfile: `${B}COPY ../secret /x\n` },
  { title: 'a link out of the context', files: { l: { symlink: '/etc/hostname' } }, dockerfile: `${B}COPY l /x\n` },
  {
    title: 'a link above the context',
    files: { l: { symlink: '../../../../etc/hostname' } },
    dockerfile: `${B}COPY l /x\n`,
  },
  {
    title: 'a directory that is a link out of the context',
    files: { l: { symlink: '/etc' } },
    dockerfile: `${B}COPY l/hostname /x\n`,
  },
  { title: 'no Dockerfile', flags: '-f nope', dockerfile: B },
  { title: 'no context', context: './nowhere', dockerfile: B },
  { title: 'a file as the context', files: A, context: './a.txt', dockerfile: B },
  { title: 'a mount of a type that is not known', dockerfile: `${B}RUN --mount=type=what,target=/x true\n` },
  { title: 'a mount without a target', dockerfile: `${B}RUN --mount=type=tmpfs true\n` },
  {
    title: 'a secret that has to be there',
    dockerfile: `${B}RUN --mount=type=secret,id=key,required=true cat /run/secrets/key\n`,
  },
  { title: 'a bind of nothing', files: A, dockerfile: `${B}RUN --mount=target=/x,source=nope ls /x\n` },
  { title: 'a USER that nobody is', dockerfile: `${B}USER somebody\nRUN true\n` },
  { title: 'a mode that is none', files: A, dockerfile: `${B}COPY --chmod=9z a.txt /x\n` },
  { title: 'a file where a directory has to be', files: A, dockerfile: `${B}COPY a.txt /etc/passwd/x\n` },
  { title: 'a directory over a file', files: { 'd/passwd/x': 'x\n' }, dockerfile: `${B}COPY d /etc\n` },
  { title: 'a WORKDIR that is a file', dockerfile: `${B}WORKDIR /etc/passwd\nRUN true\n` },
  { title: 'a stop signal that is none', dockerfile: `${B}STOPSIGNAL FOO\n` },
  { title: 'a port that is none', dockerfile: `${B}EXPOSE a/b\n` },
  { title: 'a variable that has to be set', dockerfile: `${B}ENV A=\${B:?is needed}\n` },
  { title: 'ONBUILD of ONBUILD', dockerfile: `${B}ONBUILD ONBUILD RUN x\n` },
  { title: 'a network of the host that nobody allowed', dockerfile: `${B}RUN --network=host true\n` },
  { title: 'a platform that is none', flags: '--platform what/ever/x/y', dockerfile: B },
  { title: 'a checksum of a file that has none', files: A, dockerfile: `${B}ADD --checksum=sha256:00 a.txt /x\n` },
  { title: 'a link that leads to itself', before: 'ln -s loop loop', dockerfile: `${B}COPY loop /x\n` },
  { title: 'a RUN of nothing', dockerfile: `${B}RUN []\n` },
  { title: 'an address where nobody answers', dockerfile: `${B}ADD http://127.0.0.1:1/x /x\n` },
  { title: 'a repository by ssh without an agent', dockerfile: `${B}ADD git@127.0.0.1:r.git /x\n` },
  {
    title: 'a checksum of a repository that is none',
    dockerfile: `${B}ADD --checksum=sha256:00 http://127.0.0.1:1/r.git /x\n`,
  },
  { title: 'an agent without a socket', flags: '--ssh default', before: 'unset SSH_AUTH_SOCK', dockerfile: B },
  { title: 'an ssh key that is none', flags: '--ssh default=Dockerfile', dockerfile: B },
  { title: 'an agent twice', flags: '--ssh a=Dockerfile --ssh a=Dockerfile', dockerfile: B },
  { title: 'a secret without an id', flags: '--secret src=Dockerfile', dockerfile: B },
  { title: 'a secret that is not there', flags: '--secret id=nope', dockerfile: B },
];
