import ClusterModel
import EventLoop
import Failover
import LineProtocol
import MariaDBConnector
import NodeConfig

/// How a node comes to its role, and changes it.
extension Node {
    /// Whether nodes choose their master by themselves in this cluster, as far as this one knows.
    var electsByItself: Bool { electionRules.elects(membership.configuration) }

    var electionRules: ElectionRules {
        let acks = settings.replication.acks
        return ElectionRules(
            isAutomatic: settings.failover.mode == .automatic && settings.database.mode == .private, mayLoseWrites: settings.failover.mayLoseWrites,
            copies: { acks.copies(voters: $0) })
    }

    /// What of this node counts in an election; nil while its log is not known.
    var standing: Standing? {
        let configuration = membership.configuration
        switch life {
        case let slave as SlaveLife:
            guard slave.replica.isLogKnown else { return nil }
            // Before journal and database are known to fit, the one may have to begin anew.
            let mayServe = slave.replica.isReconciled || slave.replica.isWaitingForVerdict
            return Standing(
                logEnd: LogEnd(slave.replica.logEnd), acknowledged: slave.shortLog.acknowledged, configuration: configuration,
                isElectable: (electsByItself || promotion?.isDeciding ?? false) && mayServe && !slave.isTakingSnapshot && !isStopping)
        case let master as MasterLife: return Standing(logEnd: LogEnd(master.logEnd), configuration: configuration, isElectable: false)
        case let witness as WitnessLife:
            return Standing(logEnd: LogEnd(Position.start), configuration: configuration, isElectable: false, trusted: witness.trusted)
        default: return nil
        }
    }

    /// Whether the log has, for sure, another transaction where that one was.
    func hasTakenBack(_ position: Position) -> Bool {
        switch life {
        case let slave as SlaveLife: slave.journal.history.contradicts(position)
        case let master as MasterLife: master.history?.contradicts(position) ?? false
        default: false
        }
    }

    // MARK: Starting

    /// Begins the life that the node had last, or was told to have.
    func start() {
        if membership.configuration.isKnown { keepListed() }
        if isWitness { return becomeWitness() }
        do {
            database = try NodeDatabase(loop, settings, directory, log: log) { [self] in heard($0) }
        } catch {
            failed?("\(error)")
            return
        }
        electorate.start()
        guard mayLeadUnelected else {
            if directory.mayLackWhatItSent, !electsByItself {
                log.warning(
                    "this machine went down while the node was master, and others may have more from it: it does not lead unasked; see .promote")
            }
            return becomeSlave()
        }
        // Somebody may have been made master meanwhile.
        askForLaterEpoch { [self] isLater in
            // And the list of members may have come meanwhile.
            if isLater || !mayLeadUnelected { becomeSlave() } else { leadUnelected() }
        }
    }

    private func becomeWitness() {
        electorate.start()
        let witness = WitnessLife(self, master: settings.master)
        life = witness
        witness.begin()
        readyWithoutDatabase()
    }

    /// The first master of all; or the master of a cluster that does not choose by itself.
    private var mayLeadUnelected: Bool {
        // One that was taken out of its cluster, or has no vote in it, is not its master.
        guard !membership.configuration.isKnown || membership.configuration.member(id)?.kind == .voter else { return false }
        if directory.state.wrote { return !electsByItself && !directory.mayLackWhatItSent }
        let configuration = membership.configuration
        return settings.role == .master && directory.state.unsettled == nil && (!configuration.isKnown || configuration.voters == [id])
    }

    private func askForLaterEpoch(_ done: @escaping @LoopActor (Bool) -> Void) {
        let others = membership.configuration.members.filter { $0.id != id }
        guard !others.isEmpty else { return done(false) }
        var left = others.count
        let before = epoch
        for other in others {
            electorate.ask(other.id, .standing) { [self] rows in
                if let standing = rows?.lazy.compactMap(PeerStanding.init).first, standing.epoch > before { electorate.saw(standing.epoch) }
                left -= 1
                if left == 0 { done(epoch > before) }
            }
        }
    }

    /// The database is down, and during this start of the machine it wrote: its binlog comes to the disk to its end.
    func syncBinlog() {
        guard directory.state.readAhead, !directory.mayLackWhatItSent else { return }
        do {
            try BinlogFiles(directory.path + "/mariadb").syncNewest()
            try directory.keepNothingAhead()
        } catch {
            log.warning("the binlog's end could not be synced", ["error": "\(error)"])
        }
    }

    private func leadUnelected() {
        syncBinlog()
        guard let master = MasterLife(self, epoch: epoch, takingOver: nil) else { return }
        electorate.leadUnelected()
        life = master
        master.begin()
        startDatabase(NodeDatabase.ServerStart(role: .master, serverID: serverID))
        if electsByItself { neverRestartDatabase() }
    }

    func startDatabase(_ how: NodeDatabase.ServerStart) { database?.start(how) }

    /// Where others take over when this database dies, nothing in it is decided by starting it again.
    func neverRestartDatabase() { if electsByItself { database?.neverRestart() } }

    // MARK: Slave

    /// The database runs as a slave's, or not yet; the journal is the node's log.
    private func becomeSlave() {
        Journal.open(
            loop, directory: directory.path + "/journal", segmentBytes: settings.replication.journalSegmentBytes,
            isMarked: directory.state.marksJournal
        ) {
            [self] result in
            do {
                let journal = try result.get()
                journal.tellFindings(log)
                do throws(SystemError) { try directory.keepMarksJournal() } catch {
                    return failed?("the node's state can't be stored: \(error)") ?? ()
                }
                // A journal that is gone is made again, before what waits in the database is judged by it.
                let isLost = directory.state.unsettled != nil && journal.isEmptyAndNew
                guard directory.state.wrote || isLost else { return follow(try Replica(self, journal)) }
                takeIn(journal)
            } catch let problem as JournalProblem {
                failed?("the journal can't be opened: \(problem)")
            } catch {
                failed?("the relay endpoint can't be opened: \(error)")
            }
        }
    }

    /// What the database wrote as master goes to the journal, before it is started again.
    private func takeIn(_ journal: Journal) {
        journal.importBinlog(from: directory.path + "/mariadb", mayHaveHoles: directory.machineRestarted) { [self] result in
            guard !isStopping else { return }
            switch result {
            case .success(let outcome):
                log.notice("what this node wrote as master is in its journal", ["after": "\(outcome.start)", "upto": "\(outcome.end)"])
                do {
                    try directory.keep(unsettled: outcome.end)
                    follow(try Replica(self, journal))
                } catch {
                    takeInLater(journal, "\(error)")
                }
            case .failure(.system(let file, let error)): takeInLater(journal, "\(JournalProblem.system(file, error))")
            case .failure(let problem): giveUpBinlog(journal, problem)
            }
        }
    }

    /// Trying again does not mend the binlog. How far this node acknowledged is in there, so it votes for nobody; its database is built anew.
    private func giveUpBinlog(_ journal: Journal, _ problem: JournalProblem) {
        let why = "the binlog of its database, which was the master's, can't be read: \(problem)"
        journal.forgetPromise { [self] failure in
            guard !isStopping else { return }
            if let failure { return takeInLater(journal, "\(failure)") }
            do {
                let replica = try Replica(self, journal)
                replica.isGivenUp = true
                follow(replica)
                (life as? SlaveLife)?.diverged(why)
            } catch {
                takeInLater(journal, "\(error)")
            }
        }
    }

    private func takeInLater(_ journal: Journal, _ why: String) {
        log.error("what this node wrote as master can't be brought to its journal; trying again", ["why": why])
        loop.after(milliseconds: 2000) { [self] in if !isStopping { takeIn(journal) } }
    }

    private func follow(_ replica: Replica) {
        guard !isStopping else { return }
        let leader = electorate.leader.flatMap { membership.configuration.member($0) }
        let slave = SlaveLife(self, replica, master: leader?.address ?? settings.master)
        life = slave
        slave.begin()
        takeOverDatabase()
    }

    // MARK: What the election says

    /// This node won that epoch.
    func lead(_ epoch: Epoch) {
        guard let slave = life as? SlaveLife else { return electorate.resign(.stopping) }
        slave.stop()
        retire(slave)
        let replica = slave.replica
        // What came of the last link is there, or gone.
        replica.journal.settled { [self] in
            guard electorate.isLeader, electorate.epoch == epoch, life === slave else { return }
            guard let master = MasterLife(self, epoch: epoch, takingOver: replica) else { return electorate.resign(.stopping) }
            life = master
            master.begin()
            takeOverDatabase()
        }
    }

    /// It follows that one; nil: nobody is known to lead.
    func follow(_ leader: NodeID?, _ epoch: Epoch) {
        change?.follows(leader)
        guard let leader else { return }
        // Where a leader is that is not on the list is known from its link alone.
        if let member = membership.configuration.member(leader) { life?.leaderLink?.follow(member.address, leader) }
        if life is SlaveLife { masterChanged() }
    }

    /// It led, and does no more.
    func stopLeading(_ epoch: Epoch, _ why: StepDown) {
        guard !isStopping else { return }
        log.warning("no longer master", ["epoch": "\(epoch)", "why": why.words])
        switch life {
        case let master as MasterLife:
            let (replica, touched) = (master.untouchedReplica, master.touchedReplica)
            master.stop()
            touched?.close()
            retire(master)
            if let replica { return follow(replica) }
            life = nil
            roleChanges += 1
            block(ReplyError(.notReady, "node \(id) is no longer master (\(why.words)); try again shortly"))
            useDatabase(nil)
            applied.startOver()
            masterChanged()
            isHalting = true
            database?.halt(killing: true)
        case let slave as SlaveLife:
            // Elected and gone before it began.
            retire(slave)
            follow(slave.replica)
        default: return
        }
    }

    func databaseHalted() {
        guard !isStopping else { return }
        if isHalting {
            isHalting = false
            return becomeSlave()
        }
        // It was not to be started again while others could take over, and now they can't.
        if life is MasterLife { startDatabase(NodeDatabase.ServerStart(role: .master, serverID: serverID)) }
    }

    /// The database was on its way to the life before this one.
    private func takeOverDatabase() {
        if database?.endpoint != nil, blocked != nil { checkDatabase() }
    }

    /// What a life began may still come back to it.
    func retire(_ life: any RoleLife) { loop.after(milliseconds: 60_000) { withExtendedLifetime(life) {} } }

    // MARK: Members

    /// What binds this node to its line in the list of members.
    var identity: NodeIdentity { directory.identity(settings) }

    /// The list, made here.
    func keep(_ list: MemberList) throws(SystemError) {
        let wasElecting = electsByItself
        try membership.install(list)
        keepListed()
        if electsByItself, !wasElecting {
            log.notice("the nodes choose their master by themselves from now on", ["voters": "\(list.configuration.voters.count)"])
            if role == .master { neverRestartDatabase() }
        }
    }

    /// Another node's list, if it is newer.
    func install(members text: String) {
        // A node that leads knows best.
        guard !(life is MasterLife) else { return }
        switch membership.offered(text, to: identity) {
        case .known: return
        case .refused(let problem): log.error("another node's list of members is wrong and was not taken", ["why": problem.words])
        case .newer(let list):
            do throws(SystemError) {
                try membership.install(list)
                keepListed()
            } catch {
                log.error("the list of members could not be stored", ["error": "\(error)"])
            }
        }
    }

    /// A list that is gone at a later start is missed.
    private func keepListed() {
        do throws(SystemError) { try directory.keepListed() } catch {
            log.warning("that there is a list of members could not be stored", ["error": "\(error)"])
        }
    }
}

extension NodeDirectory {
    /// What the list of members must say of this node.
    func identity(_ settings: NodeSettings) -> NodeIdentity {
        NodeIdentity(id: state.id ?? settings.id, uuid: state.uuid, isWitness: state.role == .witness)
    }
}

extension StepDown {
    var words: String {
        switch self {
        case .newerEpoch(let epoch): "epoch \(epoch) has begun"
        case .quorumLost: "too few nodes answered for an election timeout"
        case .otherLeader(let id): "node \(id) leads in the same epoch"
        case .databaseFailed: "its database failed"
        case .removed: "it was removed"
        case .stopping: "it stops, or can't write to its disk"
        }
    }
}
