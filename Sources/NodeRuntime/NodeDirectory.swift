import CSystem
import ClusterModel
import Digests
import EventLoop
import Failover
import Glibc

/// The node's folder: held by one process at a time, and what the node knows of itself.
@LoopActor final class NodeDirectory {
    /// Why the folder can't be used.
    enum Problem: Error, CustomStringConvertible {
        case inUse(String)
        case contradicts(path: String, what: String, is: String, wanted: String)
        case unreadable(String, String)
        case system(SystemError)

        var description: String {
            switch self {
            case .inUse(let path): "the data directory \(path) is used by another running ddbnode; stop it, or choose another with --data"
            case .contradicts(let path, let what, let found, let wanted):
                "the data directory \(path) belongs to a node whose \(what) is \(found), not \(wanted); start it so, or choose another with --data"
            case .unreadable(let path, let why):
                """
                \(path) is damaged, or not a ddbnode's: \(why). For whom this node voted, and what it acknowledged, can't be guessed. In a cluster say .remove \
                with its id on the master, empty the data directory and start it: it joins as a new node and takes a snapshot. A node that was always alone: \
                remove node.state and members, its database stays
                """
            case .system(let error):
                "the data directory can't be used: \(error); check that it exists, has space and belongs to the user that runs ddbnode"
            }
        }

        /// Whether the command line or the configuration is to blame, rather than the machine.
        var isUsage: Bool {
            switch self {
            case .contradicts, .inUse: true
            case .unreadable, .system: false
            }
        }
    }

    /// Absolute.
    let path: String
    private(set) var state: State
    private let lock: Int32

    private init(path: String, state: State, lock: Int32) {
        self.path = path
        self.state = state
        self.lock = lock
    }

    private static func statePath(_ path: String) -> String { path + "/node.state" }

    /// Opens the folder, or makes it, and holds it until the process ends.
    static func open(_ path: String, role: NodeKind, id: NodeID?, cluster: String) throws(Problem) -> NodeDirectory {
        let path = try absolute(path)
        let lock = try hold(path)
        guard let (state, isChecked) = try stored(in: path) else {
            let uuid: String
            do { uuid = try Digests.randomHex(16) } catch { throw .system(SystemError("getrandom", EIO)) }
            let directory = NodeDirectory(path: path, state: State(uuid: uuid, id: id, role: role, cluster: cluster), lock: lock)
            do throws(SystemError) { try directory.save() } catch { throw .system(error) }
            return directory
        }
        guard (state.role == .witness) == (role == .witness) else {
            throw .contradicts(path: path, what: "role", is: state.role.rawValue, wanted: role.rawValue)
        }
        guard state.cluster == cluster else { throw .contradicts(path: path, what: "cluster", is: state.cluster, wanted: cluster) }
        if let id, let kept = state.id, id != kept { throw .contradicts(path: path, what: "id", is: "\(kept)", wanted: "\(id)") }
        let directory = NodeDirectory(path: path, state: state, lock: lock)
        if !isChecked { do throws(SystemError) { try directory.save() } catch { throw .system(error) } }
        return directory
    }

    /// What the folder says of its node, and whether it has a checksum; nil: it is a new one.
    static func stored(in path: String) throws(Problem) -> (State, isChecked: Bool)? {
        let file = statePath(path)
        let content: TextFile.Content?
        do throws(TextFile.Problem) { content = try TextFile.readChecked(file) } catch {
            if case .system(let failure) = error { throw .system(failure) }
            throw .unreadable(file, "\(error)")
        }
        switch content {
        case .checked(let text)?: return (try state(text, of: file), true)
        case .unchecked(let text)?:
            // An earlier version's: that its last line is whole is all that can be seen.
            guard text.last == "\n" else { throw .unreadable(file, "it ends within a line") }
            return (try state(text, of: file), false)
        case nil:
            // As a new node it would forget for whom it voted, and what it acknowledged.
            for name in ["members", "journal", "journal.mark"] where access("\(path)/\(name)", F_OK) == 0 {
                throw .unreadable(file, "it is gone, while \(path)/\(name) is there")
            }
            return nil
        }
    }

    private static func state(_ text: String, of file: String) throws(Problem) -> State {
        do throws(NodeStateFault) { return try State(text) } catch { throw .unreadable(file, "\(error)") }
    }

    private static func absolute(_ path: String) throws(Problem) -> String {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made == "/" ? "" : "/") + part
            guard !part.isEmpty, mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            throw .system(SystemError("mkdir \(made)"))
        }
        guard let resolved = realpath(path, nil) else { throw .system(SystemError("realpath \(path)")) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func hold(_ path: String) throws(Problem) -> Int32 {
        let file = path + "/node.lock"
        let descriptor = Glibc.open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(SystemError("open \(file)")) }
        // A child of a node killed a moment ago may not have let go yet.
        for _ in 0..<20 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            guard errno == EWOULDBLOCK || errno == EINTR else { break }
            pauseForLock()
        }
        let code = errno
        close(descriptor)
        if code == EWOULDBLOCK { throw .inUse(path) }
        throw .system(SystemError("flock \(file)", code))
    }

    private static func pauseForLock() {
        var pause = timespec(tv_sec: 0, tv_nsec: 10_000_000)
        nanosleep(&pause, nil)
    }

    /// Remembers the id that the master gave.
    func keep(id: NodeID) throws(SystemError) {
        state.id = id
        try save()
    }

    /// On disk before a vote is given.
    func keep(_ hardState: HardState) throws(SystemError) { try keep { $0.hardState = hardState } }

    /// On disk before its leader is answered.
    func keep(_ record: InSyncRecord) throws(SystemError) { try keep { $0.inSync = record } }

    /// Before the database takes its first write.
    func keepWrote() throws(SystemError) {
        guard !state.wrote else { return }
        try keep { $0.wrote = true }
    }

    /// On disk once the journal's mark is.
    func keepMarksJournal() throws(SystemError) { if !state.marksJournal { try keep { $0.marksJournal = true } } }

    /// The list of members is there, and must be from now on.
    func keepListed() throws(SystemError) { if !state.isListed { try keep { $0.isListed = true } } }

    /// Before another node has what this one's disk may not have.
    func keepReadAhead() throws(SystemError) {
        guard let boot = Self.currentBoot else { throw SystemError("read the machine's boot_id", ENOENT) }
        guard !state.readAhead || state.boot != boot else { return }
        try keep {
            $0.readAhead = true
            $0.boot = boot
        }
    }

    /// This node's disk has all that another node may have.
    func keepNothingAhead() throws(SystemError) { if state.readAhead { try keep { $0.readAhead = false } } }

    /// The machine's end may have taken from this node what others have, so that what it wrote next would be something else in the same place.
    var mayLackWhatItSent: Bool { state.readAhead && machineRestarted }

    /// The journal has all that the database wrote, up to there; nil: the database is known to have what the cluster has.
    func keep(unsettled position: Position?) throws(SystemError) {
        guard state.wrote || state.unsettled != position else { return }
        try keep {
            $0.wrote = false
            $0.readAhead = false
            $0.unsettled = position
        }
    }

    /// What could not be stored is not so here either.
    private func keep(_ change: (inout State) -> Void) throws(SystemError) {
        let before = state
        change(&state)
        do throws(SystemError) { try save() } catch {
            state = before
            throw error
        }
    }

    /// Whether the machine was started anew since the database ran last: what was not synced may be lost.
    var machineRestarted: Bool { state.boot != nil && state.boot != Self.currentBoot }

    /// Remembers that the database runs during this start of the machine.
    func keepBoot() throws(SystemError) {
        guard state.boot != Self.currentBoot else { return }
        state.boot = Self.currentBoot
        try save()
    }

    /// Remembers the doubt until what it is about is applied: the database may crash again before.
    func keep(doubtAfter position: Position?) throws(SystemError) {
        guard state.doubtAfter != position else { return }
        state.doubtAfter = position
        try save()
    }

    private static var currentBoot: String? { MachineStart.id }

    private func save() throws(SystemError) { try TextFile.replaceChecked(Self.statePath(path), with: state.text) }
}
