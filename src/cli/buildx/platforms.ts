import type { Builder } from '#build/builders.ts';
import { builderPlatforms } from '#engine/builder.ts';

/** What a builder builds for: what it was made with comes first, marked as buildx marks it. */
export function platformsOf({ platforms }: Pick<Builder, 'platforms'>): string[] {
  const others = builderPlatforms().filter((platform) => !platforms.includes(platform));
  return [...platforms.map((platform) => `${platform}*`), ...others];
}
