using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>Each parameter once, under its first name.</summary>
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<nint>();
                foreach (var (key, parameter) in _parameters)
                {
                    if (seen.Add(parameter.Handle))
                        yield return (key, parameter);
                }
                if (!recurse)
                    yield break;
                foreach (var (prefix, child) in _submodules)
                {
                    foreach (var (key, parameter) in child.named_parameters(true))
                    {
                        if (seen.Add(parameter.Handle))
                            yield return ($"{prefix}.{key}", parameter);
                    }
                }
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) =>
                named_parameters(recurse).Select(p => p.parameter);

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(
                bool recurse = true, bool include_nonpersistent = true)
            {
                foreach (var (key, buffer) in _buffers)
                {
                    // Whatever is asked for: the real one leaves these out always.
                    if (!_transientBuffers.Contains(key))
                        yield return (key, buffer);
                }
                if (!recurse)
                    yield break;
                foreach (var (prefix, child) in _submodules)
                {
                    foreach (var (key, buffer) in child.named_buffers(true, include_nonpersistent))
                        yield return ($"{prefix}.{key}", buffer);
                }
            }

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(b => b.buffer);

            public virtual IEnumerable<(string name, Module module)> named_children() =>
                _submodules.Select(m => (m.Key, m.Value));

            public virtual IEnumerable<Module> children() => named_children().Select(m => m.module);

            /// <summary>All modules below this one; not this one itself.</summary>
            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var (key, child) in _submodules)
                    yield return (key, child);
                foreach (var (prefix, child) in _submodules)
                {
                    foreach (var (key, module) in child.named_modules())
                        yield return ($"{prefix}.{key}", module);
                }
            }

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module);

            public virtual bool has_parameter(string target) => get_parameter(target) is not null;

            public virtual bool has_buffer(string target) => get_buffer(target) is not null;

            /// <summary>The parameter of that dotted name, or null.</summary>
            public virtual Parameter get_parameter(string target) =>
                _parameters.TryGetValue(target, out var parameter)
                    ? parameter
                    : Below(target, (child, rest) => child.get_parameter(rest));

            /// <summary>The buffer of that dotted name, or null.</summary>
            public virtual Tensor get_buffer(string target) =>
                _buffers.TryGetValue(target, out var buffer)
                    ? buffer
                    : Below(target, (child, rest) => child.get_buffer(rest));

            /// <summary>Parameters and persistent buffers by dotted name.</summary>
            public virtual Dictionary<string, Tensor> state_dict(
                Dictionary<string, Tensor> destination = null, string prefix = null)
            {
                destination ??= [];
                string start = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach (var (key, parameter) in named_parameters())
                    destination.TryAdd(start + key, parameter);
                foreach (var (key, buffer) in named_buffers(include_nonpersistent: false))
                    destination.TryAdd(start + key, buffer);
                foreach (var (key, child) in _submodules)
                    child.state_dict(destination, start + key);
                return destination;
            }

            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string> skip = null)
            {
                var target = state_dict();
                var wanted = target.Keys.Where(key => skip?.Contains(key) != true);
                var given = source.Keys.Where(key => skip?.Contains(key) != true);
                var missing = wanted.Where(key => !source.ContainsKey(key)).ToList();
                var unexpected = given.Where(key => !target.ContainsKey(key)).ToList();
                if (strict && missing.Count + unexpected.Count > 0)
                {
                    throw new InvalidOperationException(
                        "The loaded state_dict is not identical to the target dictionary. "
                        + $"Missing: {string.Join(", ", missing)}. Unexpected: {string.Join(", ", unexpected)}.");
                }
                using var guard = no_grad();
                foreach (string key in given.Where(target.ContainsKey))
                    target[key].copy_(source[key]);
                return (missing, unexpected);
            }

            private T Below<T>(string target, Func<Module, string, T> find) where T : class
            {
                int dot = target.IndexOf('.');
                return dot > 0 && _submodules.TryGetValue(target[..dot], out var child)
                    ? find(child, target[(dot + 1)..])
                    : null;
            }
        }
    }
}
