// SPDX-License-Identifier: MIT
import { exec } from "./exec.js";

// Only what the oldest kernel of the matrix can mount: newer mke2fs turns on features that 5.10 does not know.
const features = "none,extent,filetype,sparse_super,large_file,dir_index,extra_isize,flex_bg";

/** Makes an ext4 image of a folder, without mounting anything and without a journal: guests throw their changes away. */
export async function makeImage(folder: string, image: string, spareMiB: number): Promise<void> {
  const measured = await exec("du", ["-s", "--apparent-size", "--block-size=1K", folder]);
  const files = (await exec("find", [folder, "-printf", "."])).length;
  // Files take whole blocks, half a block wasted on average; the rest is for inodes and directories.
  const kibibytes = Math.ceil(Number(measured.split("\t")[0]) * 1.03) + files * 5 + spareMiB * 1024;
  const inodes = files + 2048;
  const options = ["-q", "-F", "-t", "ext4", "-O", features, "-b", "4096", "-m", "0", "-N", String(inodes)];
  await exec("mke2fs", [...options, "-E", "root_owner=0:0", "-d", folder, image, `${kibibytes}K`]);
}
