import { composeCommand, isDryRun, openProject } from '#cli/compose/project.ts';
import { bytes, text } from '#cli/values.ts';
import { writePrivate } from '#cli/write-file.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Write the project as Kubernetes manifests',
  details: `
    Services become Deployments; StatefulSets where they have named volumes; DaemonSets where their mode is global; Jobs
    where others wait for their completion, or where \`restart: no\` stands and nobody can connect to them. Each steady one
    gets a Service of its name. What is published gets one for a load balancer, and what looks like a web server an Ingress
    as a comment. Volumes become claims, configs, secrets and small files of the project ConfigMaps and Secrets, health
    checks probes, limits and reservations resources. Whoever waits for the health of another gets an init container that
    waits.

    What a manifest can't say is told on standard error, one line each.`,
  examples: [
    { does: 'See what a project would be in a cluster', line: 'wherry compose kube || true' },
    {
      does: 'Write it into a file, for a namespace',
      line: 'wherry compose kube --namespace shop -o shop.yaml || true',
    },
  ],
  flags: {
    namespace: { as: text, summary: "The objects' namespace" },
    output: { short: 'o', as: text, summary: 'Save to file (default to stdout)' },
    storage: { as: bytes, default: '1g', summary: 'What a volume asks for whose driver_opts name no size' },
  },
  run: async (context, services, values) => {
    const { namespace, output, storage } = values;
    const project = await openProject(context, services);
    const { exportKube, kubeYaml } = await import('#compose/export/kube.ts');
    const made = exportKube(project, { storage, ...(namespace === undefined ? {} : { namespace }) });
    const yaml = await kubeYaml(project, made);
    if (output === undefined || output === '') context.out.write(yaml);
    else if (!isDryRun(context, values)) writePrivate(output, yaml);
    for (const note of made.notes) context.err.line(note);
  },
});
