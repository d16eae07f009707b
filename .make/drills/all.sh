# Sourced after steps.sh: all drills, the longest first, so that none of them is left alone at the end.
queue_drills() {
  local script name
  while read -r script name; do queue "drill: $name" "$ROOT/.make/drills/$script.sh"; done <<'LIST'
quorum quorum
shared_file shared file
mishaps_links links
mishaps_split silent server
mishaps_replication_split silent site
mishaps_replication database links
replication replication
mishaps_disk disks
vm_image machine image
copies copies
vm_memory machine memory
LIST
}

# They mostly wait. A crowd of devices needs the machine for itself.
drills_at_once() {
  local many=4
  if [ "${DRILL_DEVICES:-24}" -gt 24 ]; then many=1; fi
  echo "${DRILLS_AT_ONCE:-$many}"
}
