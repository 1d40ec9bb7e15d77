# Sourced by scripts that run programs, in the repository's root: makes them find what build/setup.sh put aside for them.
if [[ -f artifacts/libstdc++/libstdc++.so.6 ]]; then
  export LD_LIBRARY_PATH="$PWD/artifacts/libstdc++${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
