/// What `.help` tells of one command; `Docs/ClientProtocol.md` has the same table.
package struct CommandHelp: Equatable, Sendable {
    /// The command's first word, with its dot.
    package let name: String
    /// The whole line: `<x>` is to be filled in, `[x]` may be left out.
    package let usage: String
    /// What it does, in one line.
    package let what: String

    private init(_ usage: String, _ what: String) {
        self.name = String(usage.prefix { $0 != " " })
        self.usage = usage
        self.what = what
    }

    /// Every command a client may send, in the order of `.help`.
    package static let all = [
        CommandHelp(".ping", "answers pong, with the node's id and role"),
        CommandHelp(".role", "tells the node's role, the epoch, and where the master is"),
        CommandHelp(".status", "tells how the node is: positions, lag, pool, uptime; the last row says it in words"),
        CommandHelp(".nodes", "lists the cluster's nodes as this node sees them"),
        CommandHelp(".format tsv|json", "sets how the replies of this connection are written"),
        CommandHelp(".wait <gtid> [<ms>]", "waits until this node has applied that position"),
        CommandHelp(
            ".verify [<database>[.<table>]]",
            "compares every node's tables with the master's, row by row at one position, while all go on; tells what differs"),
        CommandHelp(".sql <bytes>", "the next so many bytes, line breaks and all, are one statement; a line break follows them"),
        CommandHelp(".reset", "rolls back and drops the session's state, as a new connection"),
        CommandHelp(".auth <user> <password>", "says who you are; the password is the rest of the line"),
        CommandHelp(
            ".consistency local|session|linearizable",
            "sets what this connection's reads must see: what is here, its own writes, or all that was acknowledged"),
        CommandHelp(".max-staleness <ms>|off", "sets how old what this connection reads on a slave may be"),
        CommandHelp(".id <id>", "names the transaction of the next statement: sent again under the same id, it does not run twice"),
        CommandHelp(".outcome <id>", "tells what became of the transaction of that id"),
        CommandHelp(".remove <node>", "takes a node out of the cluster for good, by its id: no commit waits for it, and it is not let in again"),
        CommandHelp(
            ".switchover [<node>]", "makes another node master, by its id or the one that has most, without loss and without errors for clients"),
        CommandHelp(
            ".promote [force]", "makes this node master when the master is gone; unless forced, only where no acknowledged write can be lost by it"),
        CommandHelp(".rebuild", "replaces this slave's database by a copy of another node's; answers when it has begun, .status tells how far it is"),
        CommandHelp(".help", "lists the commands"),
        CommandHelp(".quit", "ends the connection"),
    ]
}
