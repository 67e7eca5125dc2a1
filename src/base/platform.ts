/** How platforms are written. */

/** linux/arm/v7 */
export function formatPlatform({ os, architecture, variant }: PlatformWords): string {
  return [os, architecture, variant].filter(Boolean).join('/');
}

interface PlatformWords {
  os: string;
  architecture: string;
  variant?: string | undefined;
}
