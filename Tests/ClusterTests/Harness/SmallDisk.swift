import Glibc
import Testing

/// A small disk of its own, in memory, for the data of one node: the node mounts it over its folder, in a mount namespace of its own, which any user may make.
/// It is gone with the process, and what was written to it.
final class SmallDisk {
    private static let bytes = 768 << 20
    private let node: NodeProcess
    private var filling: String { "/proc/\(node.pid)/root\(node.data)/filling" }

    /// The node must not run.
    init(for node: NodeProcess) {
        self.node = node
        let script = """
            mv "$1" "$1.full" && mkdir -m 700 "$1" && mount -t tmpfs -o size=\(Self.bytes),mode=0700 none "$1" && cp -a "$1.full/." "$1/" && shift && exec "$@"
            """
        node.through = ["/usr/bin/unshare", "--mount"] + (geteuid() == 0 ? [] : ["--map-root-user"]) + ["/bin/sh", "-c", script, "sh", node.data]
    }

    /// Leaves nothing on it.
    func fill() throws {
        let filled = Processes.shell("cat /dev/zero > '\(filling)' 2>/dev/null; stat -f -c %a '\(filling)'")
        try #require(filled.output.filter { !$0.isWhitespace } == "0", "\(filled.output)")
    }

    func free() { unlink(filling) }
}
