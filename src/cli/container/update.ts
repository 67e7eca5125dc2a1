import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { asDaemonError } from '#cli/create-container.ts';
import { eachName } from '#cli/each.ts';
import { EXTRA_FLAGS, parseHealthAction } from '#cli/run-extras.ts';
import { cpuFrom, LIMIT_FLAGS } from '#cli/run-limits.ts';
import { parseRestart } from '#cli/run-request.ts';
import { text } from '#cli/values.ts';
import { type Update, updateContainer } from '#container/update.ts';

const {
  'blkio-weight': blkioWeight,
  'cpu-period': cpuPeriod,
  'cpu-quota': cpuQuota,
  'cpu-rt-period': cpuRtPeriod,
  'cpu-rt-runtime': cpuRtRuntime,
  'cpu-shares': cpuShares,
  'cpuset-cpus': cpusetCpus,
  'cpuset-mems': cpusetMems,
  'kernel-memory': kernelMemory,
  'memory-reservation': memoryReservation,
  'memory-swap': memorySwap,
  'pids-limit': pidsLimit,
  cpus,
  memory,
} = LIMIT_FLAGS;

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Update configuration of one or more containers',
  details: `
    A running container has its new limits at once, and keeps them over its restarts. What is not given stays as it is.
    A limit of memory that was set goes up only together with that of memory and swap. Where you have no cgroups (wherry
    info says so) limits are discarded with a warning; the restart policy can be changed anywhere.`,
  examples: [
    { does: 'Have a container come back whenever it ends', line: 'wherry update --restart unless-stopped web' },
    { does: 'Give it more memory', line: 'wherry update --memory 512m --memory-swap 1g web' },
  ],
  flags: {
    'blkio-weight': blkioWeight,
    'cpu-period': cpuPeriod,
    'cpu-quota': cpuQuota,
    'cpu-rt-period': { ...cpuRtPeriod, summary: 'Limit the CPU real-time period in microseconds' },
    'cpu-rt-runtime': { ...cpuRtRuntime, summary: 'Limit the CPU real-time runtime in microseconds' },
    'cpu-shares': cpuShares,
    cpus,
    'cpuset-cpus': cpusetCpus,
    'cpuset-mems': cpusetMems,
    'health-on-failure': EXTRA_FLAGS['health-on-failure'],
    // Without effect, as with Docker.
    'kernel-memory': { ...kernelMemory, hidden: true },
    memory,
    'memory-reservation': memoryReservation,
    'memory-swap': {
      ...memorySwap,
      summary: 'Swap limit equal to memory plus swap: -1 to enable unlimited swap',
    },
    'pids-limit': pidsLimit,
    restart: { as: text, summary: 'Restart policy to apply when a container exits' },
  },
  run: async (context, names, values) => {
    if (context.given.size === 0) {
      throw new WherryError('invalid', 'you must provide one or more flags when using this command');
    }
    const healthAction = parseHealthAction(values.healthOnFailure);
    const update: Update = {
      BlkioWeight: values.blkioWeight ?? 0,
      ...cpuFrom(values),
      Memory: values.memory ?? 0,
      MemoryReservation: values.memoryReservation ?? 0,
      MemorySwap: values.memorySwap ?? 0,
      PidsLimit: values.pidsLimit ?? 0,
      ...(values.restart ? { RestartPolicy: parseRestart(values.restart) } : {}),
      ...(healthAction && { healthAction }),
    };
    const warnings: string[] = [];
    const status = await eachName(context, names, async (name) => {
      try {
        warnings.push(...(await updateContainer(context.store, name, update)));
      } catch (error) {
        throw asDaemonError(error);
      }
    });
    // As Docker's client does, on standard output.
    for (const warning of warnings) context.out.line(warning);
    return status;
  },
});
