// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a Dockerfile's variables are written so, too
/** Dockerfiles of our own that make an image: each a feature or a few that belong together. */
import type { Planted } from '#test/support/tree.ts';

export interface BuildCase {
  /** A sentence's end: "build the same from …". */
  title: string;
  dockerfile: string;
  /** What is in the context beside the Dockerfile; every file has one old time. */
  files?: Readonly<Record<string, Planted>>;
  /** Other modes than 644 and 755. */
  modes?: Readonly<Record<string, number>>;
  /** Words of a shell, run in the context's directory. */
  flags?: string;
  /** In place of the context `.`. */
  context?: string;
  /** A shell line that is run in the context's directory before. */
  before?: string;
}

const B = 'FROM localhost/busybox\n';

/** Three small files and a directory. */
const ABC = { 'a.txt': 'a\n', 'b.txt': 'b\n', 'd/c.txt': 'c\n', 'd/e/f.md': 'f\n' };

export const DOCKERFILES: readonly BuildCase[] = [
  // COPY
  {
    title: 'COPY of a file to a name, into a directory, below the working directory',
    files: ABC,
    dockerfile: `${B}WORKDIR /w\nCOPY a.txt /x\nCOPY a.txt /new/\nCOPY b.txt rel\nCOPY a.txt b.txt ./sub/\n`,
  },
  {
    title: 'COPY of directories: their contents, into one that is there, all',
    files: { ...ABC, '.hidden': 'h\n' },
    dockerfile: `${B}COPY d /one\nCOPY d/ /two/\nCOPY . /all/\nCOPY d /etc\n`,
  },
  {
    title: 'COPY with patterns',
    files: ABC,
    dockerfile: `${B}COPY *.txt /t/\nCOPY d/?.txt /q/\nCOPY [ab].txt d/* /s/\nCOPY *.tx[t] /u/\n`,
  },
  {
    title: 'COPY in the JSON form, of names with spaces',
    files: { 'a b': 'x\n', its: 'y\n' },
    dockerfile: `${B}COPY ["a b", "its", "/with space/"]\n`,
  },
  {
    title: 'COPY with links: kept, and followed where they are named',
    files: {
      ...ABC,
      l: { symlink: 'a.txt' },
      'd/up': { symlink: '../b.txt' },
      dl: { symlink: 'd' },
      broken: { symlink: '/nowhere' },
    },
    dockerfile: `${B}COPY d /d\nCOPY l /named\nCOPY dl /followed\nCOPY . /all\n`,
  },
  {
    title: 'COPY onto a link to a directory',
    files: ABC,
    dockerfile: `${B}RUN mkdir /real && ln -s /real /link && ln -s real /rel\nCOPY a.txt /link/\nCOPY d /rel/\nCOPY b.txt /link/deep/b\n`,
  },
  {
    title: 'COPY --chown by ids and by names',
    files: ABC,
    dockerfile: `${B}COPY --chown=5:6 a.txt /a\nCOPY --chown=7 b.txt /b\nCOPY --chown=nobody d /d/\nCOPY --chown=www-data:daemon a.txt /new/dir/a\nCOPY --chown=nobody:9 a.txt /n9\nCOPY --chown=:4 a.txt /g4\n`,
  },
  {
    title: 'COPY --chmod in octal',
    files: ABC,
    modes: { 'b.txt': 0o600 },
    dockerfile: `${B}COPY --chmod=755 a.txt /a\nCOPY --chmod=0400 d /d\nCOPY --chmod=1777 d /sticky\nCOPY --chmod=4711 b.txt /new/b\n`,
  },
  {
    title: 'COPY --chmod by letters',
    files: ABC,
    modes: { 'b.txt': 0o600 },
    dockerfile: `${B}COPY --chmod=u+x,go-r a.txt /a\nCOPY --chmod=a=rX d /new/d\nCOPY --chmod=g=u b.txt /b\n`,
  },
  {
    title: 'COPY keeps modes and times',
    files: { ...ABC, 'm/x': 'x\n' },
    modes: { 'a.txt': 0o600, 'b.txt': 0o755, 'm/x': 0o4755, m: 0o2775 },
    dockerfile: `${B}COPY . /all\nCOPY m /m\n`,
  },
  {
    title: 'COPY over what is there: files, directories',
    files: ABC,
    dockerfile: `${B}RUN mkdir -p -m 700 /d/e && echo old >/d/c.txt && echo own >/d/own\nCOPY d /d\nCOPY --chown=3 d /d\n`,
  },
  {
    title: 'COPY with hard links in the context',
    files: { 'h/one': '1\n', 'h/two': { link: 'h/one' } },
    dockerfile: `${B}COPY h /h\n`,
  },
  {
    title: 'COPY --link',
    files: ABC,
    dockerfile: `${B}RUN mkdir /real && ln -s real /l\nCOPY --link a.txt /x/y/\nCOPY --link --chown=5:6 --chmod=600 d /real/\n`,
  },
  {
    title: 'heredocs of COPY',
    dockerfile: `${B}ARG who=me\nCOPY <<EOF <<"RAW" /files/\nhello $who\n  kept\nEOF\nliteral $who \\\nRAW\nCOPY <<-TABS /t\n\tone\n\t\ttwo\nTABS\nCOPY --chmod=755 --chown=5:6 <<s /bin/s\n#!/bin/sh\necho hi\ns\n`,
  },
  {
    title: '.dockerignore: patterns, exceptions, comments',
    files: {
      ...ABC,
      '.dockerignore': '# no\n*.md\n**/*.md\n!d/keep.md\n/b.txt\nnode_modules\n tmp? \n',
      'd/keep.md': 'k\n',
      'node_modules/x': 'n\n',
      'tmp1/x': 't\n',
      'd/node_modules/y': 'y\n',
      'x.md': 'x\n',
    },
    dockerfile: `${B}COPY . /all\n`,
  },
  {
    title: '.dockerignore that leaves all out but one',
    files: { ...ABC, '.dockerignore': '*\n!d/e\n!Dockerfile\n' },
    dockerfile: `${B}COPY . /all\n`,
  },
  {
    title: 'an ignore file of the Dockerfile',
    files: {
      ...ABC,
      '.dockerignore': '*\n',
      'x/My.Dockerfile': `${B}COPY . /all\n`,
      'x/My.Dockerfile.dockerignore': 'x\nd/*\n',
    },
    flags: '-f x/My.Dockerfile',
    dockerfile: 'FROM no\n',
  },
  {
    title: 'names that are odd',
    files: { 'é ü/ñ': 'x\n', $HOME: 'h\n', '-dash': 'd\n', 'q"uote': 'q\n' },
    dockerfile: `${B}COPY . /all\nCOPY ["é ü", "/u/"]\nCOPY \\$HOME /h\nCOPY -dash /d\n`,
  },
  {
    title: 'empty directories and a FIFO',
    files: { 'e/f': { directory: true }, 'p/fifo': { fifo: true }, 'p/x': 'x\n' },
    dockerfile: `${B}COPY e /e\nCOPY p /p\n`,
  },
  // COPY of docker/dockerfile:1.7-labs and later
  {
    title: 'COPY --chown of a group that nobody has',
    files: ABC,
    dockerfile: `${B}COPY --chown=nobody:wheelers a.txt /x\n`,
  },
  { title: 'COPY --chown of a user that nobody is', files: ABC, dockerfile: `${B}COPY --chown=somebody a.txt /x\n` },
  {
    title: 'ADD of what begins as an archive',
    before: 'printf "\\037\\213\\010\\000garbage" > x.tgz',
    files: ABC,
    dockerfile: `${B}ADD x.tgz /x/\n`,
  },
  { title: 'COPY with a pattern that matches nothing', files: ABC, dockerfile: `${B}COPY *.nope /x/\n` },
  { title: 'COPY of several sources and no directory', files: ABC, dockerfile: `${B}COPY a.txt b.txt /x\n` },
  {
    title: 'COPY --exclude',
    files: ABC,
    dockerfile: `${B}COPY --exclude=*.md --exclude=d/c* . /x/\nCOPY --exclude=**/*.md --exclude=Dockerfile . /y\n`,
  },
  // ADD
  {
    title: 'ADD of local archives',
    before:
      'tar -czf x.tgz --owner=5 --group=6 --mtime=@1000000000 a.txt d && tar -cf y.tar --owner=0 --group=0 --mtime=@1000000000 d',
    files: ABC,
    dockerfile: `${B}ADD x.tgz /x/\nADD y.tar /y\nADD a.txt /plain\nADD --chown=7:8 y.tar /owned/\nADD --unpack=false y.tar /kept/\n`,
  },
  {
    title: 'ADD of an archive with links',
    before: 'ln -s a.txt s && ln a.txt h && tar -cf x.tar --owner=0 --group=0 --mtime=@1000000000 a.txt s h && rm s h',
    files: ABC,
    dockerfile: `${B}ADD x.tar /x/\n`,
  },
  {
    title: 'ADD with --chmod, heredocs and patterns',
    files: ABC,
    dockerfile: `${B}ADD --chmod=640 *.txt /t/\nADD <<E /e\nhi\nE\nADD --link d /l/\n`,
  },
  // RUN
  {
    title: 'RUN: both forms, several lines, comments between',
    dockerfile: `${B}RUN echo one > /1\nRUN ["/bin/sh", "-c", "echo $0 two > /2", "zero"]\nRUN echo a && \\\n  # between\n  echo b > /3 && \\\n\n  echo c >> /3\n`,
  },
  {
    title: 'RUN with heredocs',
    dockerfile: `${B}RUN <<EOF\nset -e\necho one > /one\necho "$HOME" >> /one\nEOF\nRUN <<E cat > /two\nhi $PATH\nE\nRUN <<X\n#!/bin/sh\necho "$0" | sed s/[0-9]//g > /three\nX\nRUN cat <<A - <<B > /four\na\nA\nb\nB\n`,
  },
  {
    title: 'RUN that removes, replaces and moves',
    dockerfile: `${B}RUN mkdir -p /a/b && echo x > /a/b/x && echo y > /a/y\nRUN rm -rf /a/b && rm /etc/passwd\nRUN mkdir /a/b && echo new > /a/b/new\nRUN mv /a /c && rm -rf /home && echo f > /home\n`,
  },
  {
    title: 'RUN with modes, owners, links of all kinds',
    dockerfile: `${B}RUN echo x > /x && ln /x /y && ln -s /x /z && mkfifo /f && chmod 4755 /x && chown -h 5:6 /z && mkdir -m 1777 /s && touch -d @1000000000 /x\nRUN chown 9:9 /y\nRUN chmod 700 /s\n`,
  },
  { title: 'a RUN that changes nothing', dockerfile: `${B}RUN true\nRUN --network=none ls / >/dev/null\n` },
  {
    title: 'what a RUN sees: user, directory, variables, hosts',
    flags: '--add-host there:10.1.2.3',
    dockerfile: `${B}ENV A=1\nARG B=2\nWORKDIR /w\nUSER nobody\nRUN --network=none (id; pwd; env | grep -v HOSTNAME | sort; umask; ulimit -c; cat /etc/hosts | grep there) > /tmp/seen\n`,
  },
  {
    title: 'RUN leaves no file of its mounts',
    dockerfile: `${B}RUN --mount=type=tmpfs,target=/t/deep touch /t/deep/x\nRUN --mount=type=cache,target=/root/.cache/x echo 1 > /root/.cache/x/y\nRUN --mount=type=bind,source=a,target=/m/a cat /m/a > /seen\n`,
    files: { a: 'a\n' },
  },
  {
    title: 'bind mounts of a stage, of the context, to be written to',
    files: ABC,
    dockerfile: `FROM localhost/busybox AS one\nRUN echo made > /made\n${B}RUN --mount=from=one,source=/made,target=/m cp /m /copied\nRUN --mount=target=/ctx cat /ctx/d/c.txt > /c\nRUN --mount=type=bind,target=/ctx,rw echo no > /ctx/new\nRUN --mount=from=localhost/busybox,target=/bb test -x /bb/bin/busybox && echo yes > /yes\n`,
  },
  {
    title: 'cache mounts with owner and mode, kept between steps',
    dockerfile: `${B}RUN --mount=type=cache,id=wherry-diff-1,target=/c,uid=5,gid=6,mode=0700 stat -c '%a %u %g' /c > /st && echo kept > /c/k\nRUN --mount=type=cache,id=wherry-diff-1,target=/other,uid=5,gid=6,mode=0700 cp /other/k /k\nRUN --mount=type=cache,id=wherry-diff-2,target=/d,from=localhost/busybox,source=/etc cp /d/group /g\n`,
  },
  {
    title: 'secrets: as a file, as a variable, with owner and mode, absent',
    files: { s: 'hush\n' },
    flags: '--secret id=one,src=s --secret id=e,env=LOGNAME_X',
    before: 'export LOGNAME_X=quiet',
    dockerfile: `${B}RUN --mount=type=secret,id=one stat -c '%a %u %g %s' /run/secrets/one > /1\nRUN --mount=type=secret,id=one,target=/x/key,uid=5,gid=6,mode=0440 stat -c '%a %u %g' /x/key > /2\nRUN --mount=type=secret,id=one,env=KEY echo \${#KEY} > /3\nRUN --mount=type=secret,id=none cat /run/secrets/none > /4 2>/dev/null; true\n`,
  },
  {
    title: 'a tmpfs of a size',
    dockerfile: `${B}RUN --mount=type=tmpfs,target=/t,size=1m df /t | tail -1 | awk '{print $2}' > /size\n`,
  },
  {
    title: 'a cache that begins with a stage’s files has that directory’s owner and mode',
    dockerfile: `FROM localhost/busybox AS s
RUN mkdir /src && echo hi > /src/f && chown 3:4 /src && chmod 710 /src
FROM localhost/busybox
RUN --mount=type=cache,target=/c,from=s,source=/src,mode=0755,uid=7 cat /c/f > /o; stat -c '%a %u:%g' /c >> /o
`,
  },
  {
    title: 'a secret of a variable’s name',
    before: 'export OF_TEST=tell',
    flags: '--secret id=OF_TEST',
    dockerfile: `${B}RUN --mount=type=secret,id=OF_TEST wc -c < /run/secrets/OF_TEST > /o\n`,
  },
  {
    title: 'a directory where the ignore file would be',
    files: { ...ABC, '.dockerignore/x': 'x\n' },
    dockerfile: `${B}COPY . /c/\n`,
  },
  {
    title: '--chmod by letters that look to what was there, and of an archive',
    before: 'tar --owner=0 --group=0 -cf t.tar --mtime=@1000000000 d && touch -d @1000000000 t.tar',
    files: ABC,
    modes: { 'a.txt': 0o755 },
    dockerfile: `${B}COPY --chmod=a=,u+rX a.txt d /x/\nADD --chmod=700 t.tar /new/\n`,
  },
  {
    title: 'RUN with another shell',
    dockerfile: `${B}SHELL ["/bin/sh", "-ec"]\nRUN echo $- | tr -d ms > /o\nCMD foo\nENTRYPOINT bar\nSHELL ["/bin/busybox", "sh", "-c"]\nRUN echo 2 > /2\nHEALTHCHECK CMD x y\n`,
  },
  // What an image says of itself
  {
    title: 'ENV in all its forms',
    dockerfile: `${B}ENV A=1 B="two words" C=three\\ words D='$A'\nENV E $A and more\nENV F=\${A}x G=$A$B H="$C" I=\\$A\nENV A=2 J=$A\nENV K=$A PATH=/x:$PATH\n`,
  },
  {
    title: 'expansions',
    dockerfile: `${B}ARG a=hello.tar.gz\nARG e\nENV A=\${a:-d} B=\${e:-d} C=\${a:+p} D=\${e:+p} E=\${u-d} F=\${e-d} G=\${a+p}\nENV H=\${a#*.} I=\${a##*.} J=\${a%.*} K=\${a%%.*} L=\${a/l/L} M=\${a//l/L} N=\${u:-\${a}}\n`,
  },
  {
    title: 'LABEL with quotes, and of the command line',
    flags: '--label late=1 --label k=over',
    dockerfile: `${B}LABEL a=b "c d"="e f" k=z\nLABEL multi="one \\\ntwo" esc="q\\"q" \nLABEL old style label\nLABEL k=y single='x y'\n`,
  },
  {
    title: 'EXPOSE, VOLUME, STOPSIGNAL, MAINTAINER',
    dockerfile: `${B}ARG p=99\nEXPOSE 90 91/udp 100-102 $p/tcp\nVOLUME /a /b\nVOLUME ["/json", "/two"]\nSTOPSIGNAL SIGINT\nSTOPSIGNAL 9\nMAINTAINER me <me@x>\n`,
  },
  {
    title: 'HEALTHCHECK',
    dockerfile: `${B}HEALTHCHECK --interval=5s --timeout=3s --start-period=1m --start-interval=2s --retries=4 CMD ["x", "y"]\n`,
  },
  { title: 'HEALTHCHECK NONE', dockerfile: `${B}HEALTHCHECK NONE\n` },
  {
    title: 'CMD and ENTRYPOINT: forms, and who resets whom',
    dockerfile: `${B}CMD ["a", "b"]\nENTRYPOINT ["c"]\nCMD echo "$x" y\nENTRYPOINT d e\n`,
  },
  { title: 'an ENTRYPOINT takes the base’s CMD away', dockerfile: `${B}ENTRYPOINT ["c"]\n` },
  {
    title: 'WORKDIR: made, below another, by variables, of a user',
    dockerfile: `${B}ENV D=/v\nWORKDIR /one\nWORKDIR two\nWORKDIR $D/three\nUSER nobody\nWORKDIR /owned/by\nWORKDIR ../up\nRUN pwd > /tmp/p\nWORKDIR /tmp\nWORKDIR /\n`,
  },
  {
    title: 'USER: names, groups, ids, variables',
    dockerfile: `${B}ARG u=nobody\nUSER $u\nRUN id > /tmp/1\nUSER www-data:daemon\nRUN id > /tmp/2\nUSER 1234\nRUN id -u > /tmp/3\nUSER 12:34\nRUN id -g > /tmp/4; touch /tmp/x\n`,
  },
  { title: 'ONBUILD, kept', dockerfile: `${B}ONBUILD RUN echo later\nONBUILD COPY a b\nONBUILD ENV X=1\n` },
  {
    title: 'ONBUILD, of a stage before',
    files: ABC,
    dockerfile: `FROM localhost/busybox AS base\nONBUILD RUN echo triggered > /t\nONBUILD COPY a.txt /a\nFROM base\nRUN cat /t > /u\n`,
  },
  // ARG
  {
    title: 'ARG: scopes, defaults, the command line',
    flags: '--build-arg g=cli --build-arg loc=mine --build-arg HTTP_PROXY=http://p',
    dockerfile: `ARG g=glob\nARG img=localhost/busybox\nFROM $img\nARG g\nARG loc=def two=2 none\nARG from=$loc\nRUN echo "$g $loc $two $none $from $HTTP_PROXY" > /r\nENV G=$g L=\${loc}\n`,
  },
  {
    title: 'ARG of platforms',
    dockerfile: `FROM --platform=$BUILDPLATFORM localhost/busybox\nARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM BUILDARCH TARGETSTAGE\nENV P="$TARGETPLATFORM $TARGETOS $TARGETARCH $TARGETVARIANT $BUILDPLATFORM $BUILDARCH $TARGETSTAGE"\n`,
  },
  {
    title: 'an ARG hidden by an ENV',
    flags: '--build-arg x=cli',
    dockerfile: `${B}ENV x=env\nARG x=arg\nRUN echo $x > /x\nENV y=$x\n`,
  },
  // Stages
  {
    title: 'stages: by name, by number, a stage of a stage',
    files: ABC,
    dockerfile: `FROM localhost/busybox AS one\nRUN echo 1 > /1\nFROM one AS two\nRUN echo 2 > /2\nFROM scratch\nCOPY --from=two /1 /2 /\nCOPY --from=0 /1 /first\nCOPY --from=localhost/busybox /etc/group /g\n`,
  },
  {
    title: '--target, and a stage that nobody needs',
    flags: '--target mid',
    dockerfile: `FROM localhost/busybox AS first\nRUN echo 1 > /1\nFROM first AS unneeded\nRUN false\nFROM first AS mid\nLABEL m=1\nFROM mid\nRUN false\n`,
  },
  {
    title: 'COPY --from with links, modes and owners',
    dockerfile: `FROM localhost/busybox AS b\nRUN mkdir -p /o/sub && echo x > /o/x && chown 5:6 /o/x && chmod 640 /o/x && ln -s x /o/l && ln /o/x /o/sub/h && chmod 2750 /o/sub && touch -d @1000000000 /o/x\nFROM localhost/busybox\nCOPY --from=b /o /o\nCOPY --from=b --chown=nobody /o/. /p/\nCOPY --from=b /o/l /l\n`,
  },
  {
    title: 'a stage that takes another one’s settings',
    dockerfile: `FROM localhost/busybox AS base\nENV A=1\nWORKDIR /w\nUSER nobody\nENTRYPOINT ["x"]\nLABEL l=1\nFROM base\nENV B=$A\nRUN pwd > /tmp/p && id -un >> /tmp/p\n`,
  },
  {
    title: 'scratch with settings and a file',
    files: ABC,
    dockerfile: 'FROM scratch\nCOPY a.txt /\nLABEL a=b\nENV X=y\nCMD ["/x"]\n',
  },
  {
    title: 'named contexts: a directory, an image, in place of a stage',
    files: { ...ABC, 'other/x': 'x\n' },
    flags:
      '--build-context other=./other --build-context img=docker-image://localhost/busybox --build-context stage=./d',
    dockerfile: `FROM localhost/busybox AS stage\nRUN false\nFROM img\nCOPY --from=other x /x\nCOPY --from=stage . /s/\nRUN --mount=from=other,target=/o cat /o/x > /y\n`,
  },
  {
    title: 'another escape character',
    dockerfile: '# escape=`\nFROM localhost/busybox\nRUN echo a `\n  b > /x\nENV P=c:\\dir Q=a` b\n',
  },
  {
    title: 'the Dockerfile of standard input, without a context',
    before: 'cp Dockerfile ../stdin-dockerfile',
    context: '- < Dockerfile',
    dockerfile: `${B}RUN echo hi > /hi\n`,
  },
  {
    title: 'a context in an archive of standard input',
    files: ABC,
    before: 'tar -czf ctx.tgz Dockerfile a.txt d',
    context: '- < ctx.tgz',
    dockerfile: `${B}COPY . /all\n`,
  },
  // As people write them
  {
    title: 'an application of a user who is not root',
    files: { 'app/main.sh': '#!/bin/sh\necho hi\n', 'app/lib/x': 'x\n' },
    modes: { 'app/main.sh': 0o755 },
    dockerfile: `${B}RUN echo app:x:101: >> /etc/group && echo app:x:100:101::/home/app:/bin/sh >> /etc/passwd\nWORKDIR /home/app\nCOPY --chown=app:app app ./\nUSER app\nRUN ./main.sh > lib/out && touch lib/y\nEXPOSE 8080\nHEALTHCHECK --interval=30s CMD wget -q localhost:8080 || exit 1\nENTRYPOINT ["./main.sh"]\nCMD ["serve"]\n`,
  },
  {
    title: 'a static program in nothing else',
    dockerfile: `FROM localhost/busybox AS build\nWORKDIR /src\nRUN cp /bin/busybox /src/prog && echo 'u:x:1000:1000::/:/prog' > passwd\nFROM scratch\nCOPY --from=build /src/prog /prog\nCOPY --from=build /src/passwd /etc/passwd\nUSER u\nENTRYPOINT ["/prog", "echo"]\n`,
  },
  {
    title: 'a builder with a cache and only what is needed copied first',
    files: {
      'package.json': '{}\n',
      'package-lock.json': '{}\n',
      'src/x.js': 'x\n',
      '.dockerignore': 'node_modules\n*.log\n',
      'a.log': 'l\n',
    },
    dockerfile: `FROM localhost/busybox AS deps\nWORKDIR /app\nCOPY package*.json ./\nRUN --mount=type=cache,target=/root/.npm mkdir node_modules && cat package.json > node_modules/done\nFROM deps AS build\nCOPY . .\nRUN mkdir dist && cp src/*.js dist/\nFROM localhost/busybox\nENV NODE_ENV=production\nWORKDIR /app\nCOPY --from=deps /app/node_modules ./node_modules\nCOPY --from=build --chown=nobody /app/dist ./dist\nUSER nobody\nCMD ["node", "dist/x.js"]\n`,
  },
  {
    title: 'a virtual environment that is taken whole',
    files: { 'requirements.txt': 'x==1\n', 'app.py': 'print(1)\n' },
    dockerfile: `FROM localhost/busybox AS builder\nENV PYTHONUNBUFFERED=1 \\\n    VENV=/opt/venv\nRUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,source=requirements.txt,target=/r.txt \\\n    mkdir -p $VENV/bin && cp /r.txt $VENV/ && ln -s /usr/bin/python3 $VENV/bin/python\nFROM localhost/busybox\nENV PATH="/opt/venv/bin:$PATH"\nCOPY --from=builder /opt/venv /opt/venv\nCOPY app.py .\nCMD ["python", "app.py"]\n`,
  },
  {
    title: 'a script that sets a system up',
    dockerfile: `${B}ARG DEBIAN_FRONTEND=noninteractive\nRUN <<EOT sh -eux\n  mkdir -p /etc/apt/keyrings /var/cache/x\n  touch /var/cache/x/y\n  echo "deb x" > /etc/apt/list\n  rm -rf /var/cache/*\nEOT\nSTOPSIGNAL SIGQUIT\n`,
  },
];
