import { WherryError } from '#base/error.ts';
import { command, given } from '#cli/command.ts';
import { showProgress } from '#cli/progress.ts';
import { boolean, text } from '#cli/values.ts';
import { fullName, lacksTag } from '#image/asked.ts';

export default command({
  usage: 'NAME[:TAG|@DIGEST]',
  summary: 'Download an image from a registry',
  details: `
    A name without a registry is of Docker Hub, one without a tag means latest. Layers that are here already are not
    downloaded again. Registries on this machine (localhost, 127.0.0.0/8, ::1) may speak plain HTTP.

    Mirrors, other locations, blocked and insecure registries and aliases are read from registries.conf in
    ~/.config/containers or /etc/containers, as podman has it (containers-registries.conf(5)). What Docker's daemon.json calls
    registry-mirrors is there: [[registry]] location = "docker.io" and, below it, [[registry.mirror]]
    location = "mirror.example". A name without a registry is never looked for elsewhere; the aliases that distributions ship
    (shortnames.conf) don't count. An image keeps the name that it was asked for by.

    Which images have to be signed is read from policy.json in the same places (containers-policy.json(5)): reject,
    insecureAcceptAnything, and sigstoreSigned with keyPath, keyPaths, keyData or keyDatas. Signatures are those that cosign
    and skopeo attach to an image by a tag in its repository. Without such a file every image is taken.`,
  examples: [
    { does: 'The same bytes, whatever the tag comes to mean', line: 'wherry pull debian@sha256:…' },
    { does: 'Only what our build has signed', line: 'wherry pull --verify-key cosign.pub registry.example/app' },
    { does: 'An image for another processor', line: 'wherry pull --platform linux/arm64 busybox' },
  ],
  flags: {
    'all-tags': { short: 'a', as: boolean, summary: 'Download all tagged images in the repository' },
    'disable-content-trust': { as: boolean, default: 'true', summary: 'Skip image verification' },
    platform: { as: text, summary: 'Set platform if server is multi-platform capable' },
    quiet: { short: 'q', as: boolean, summary: 'Suppress verbose output' },
    'verify-key': { as: text, summary: 'Take the image only if this public key (cosign, PEM file) has signed it' },
  },
  run: async (context, [name = ''], { allTags, disableContentTrust, platform, quiet, verifyKey }) => {
    if (!disableContentTrust) {
      throw new WherryError('unsupported', 'Cannot verify the image: content trust needs a Notary server', {
        hint: 'Leave --disable-content-trust as it is; see --verify-key, or pull by digest to be sure of the content',
      });
    }
    const { pullAllTags, pullImage } = await import('#image/pull.ts');
    if (!allTags && lacksTag(name) && !quiet) context.out.line('Using default tag: latest');
    const progress = showProgress(context.out, { quiet });
    const options = given({ platform, verifyKey, progress: progress.report, abort: context.abort });
    try {
      await (allTags ? pullAllTags(context.store, name, options) : pullImage(context.store, name, options));
    } finally {
      progress.end();
    }
    context.out.line(fullName(name, { allTags }));
  },
});
