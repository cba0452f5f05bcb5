import ArgumentParser
import CampaignCore
import CampaignHarness
import Glibc

/// `campaign`: a cluster of real processes under load and faults, and what must be true of it in the end.
struct CampaignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "campaign", abstract: "Break a cluster again and again while clients use it, and see that it keeps its promises.",
        discussion: """
            Ended by a signal, it leaves nothing but what --keep asks for.

            EXIT CODES: 0 clean, 1 a check failed or the campaign could not be run to its end, 2 wrong command line
            """)

    @Option(help: "The ddbnode to start.") var ddbnode: String
    @Option(help: "How many faults, 1 to 100000.") var rounds = 20
    @Option(help: "Chooses the faults; without it any.") var seed: UInt64?
    @Flag(help: "About six rounds, one of each main kind.") var short = false
    @Option(help: "Put data and logs here and leave them; the directory must not exist or be empty.") var keep: String?
    @Option(help: ArgumentHelp("Only faults of this kind or name, such as pause or kill-node/master; may be given again.", valueName: "fault"))
    var only: [String] = []
    @Option(help: "The nodes' failover.electionTimeoutMs, 200 to 60000.") var electionTimeoutMs = 1000
    @Flag(help: "Put all nodes on loopback, without partitions, though namespaces could be made.") var loopback = false
    @Flag(help: "Don't expect that the nodes choose a new master: an old one comes back.") var noFailover = false

    func validate() throws {
        guard (1...100_000).contains(rounds) else { throw ValidationError("--rounds must be 1 to 100000, is \(rounds)") }
        guard (200...60_000).contains(electionTimeoutMs) else {
            throw ValidationError("--election-timeout-ms must be 200 to 60000, is \(electionTimeoutMs)")
        }
        for name in only where !NemesisPlan.names.contains(name) {
            throw ValidationError("--only: there is no \(name); there are \(NemesisPlan.names.joined(separator: ", "))")
        }
        guard access(ddbnode, X_OK) == 0 else { throw ValidationError("--ddbnode: \(ddbnode) can't be run") }
    }

    func run() throws {
        EarlyEnd.watchSignals()
        let work = try WorkFolder("ddbnode-campaign", keep: keep)
        var isClean = false
        defer { work.end(isWanted: !isClean && !EarlyEnd.isWanted, "data, logs and history.txt are in") }
        let campaign = try Campaign(self, in: work.path)
        defer { campaign.end(keeping: work.isKept || !isClean && !EarlyEnd.isWanted) }
        isClean = try campaign.run()
        guard isClean else { throw Failure("the cluster broke a promise, see above") }
    }
}
