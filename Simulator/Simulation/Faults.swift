import ClusterModel
import Failover

extension SimulatedCluster {
    func faultCame() {
        guard !isCalm else { return }
        put(.fault, inUs: random.number(in: weather.faultGapUs))
        let weights = [
            weather.crashWeight, weather.pauseWeight, weather.partitionWeight, weather.clockWeight, weather.linkWeight, weather.handOverWeight,
            weather.reconfigureWeight,
        ]
        let sum = weights.reduce(0, +)
        guard sum > 0 else { return }
        var drawn = random.number(in: 0..<sum)
        var kind = 0
        while drawn >= weights[kind] {
            drawn -= weights[kind]
            kind += 1
        }
        let node = nodes[random.number(in: 0..<nodes.count)]
        switch kind {
        case 0: (chance(40) ? leader ?? node : node).crash()
        case 1: (chance(40) ? leader ?? node : node).pause(forUs: random.number(in: 50_000..<1_000_000))
        case 2: partition()
        case 3: node.changeClock()
        case 4: if let link = links.indices.suffix(8).randomElement(using: &random) { breakLink(link, noticeUs: 20_000) }
        case 5: leader?.handOver()
        default: leader?.reconfigure()
        }
    }

    /// The newest node that thinks it leads.
    var leader: SimulatedNode? { nodes.filter { $0.isUp && $0.election.isLeader }.max { $0.election.epoch < $1.election.epoch } }

    private func partition() {
        var places = Array(nodes.indices)
        places.shuffle(using: &random)
        let one = random.number(in: 0..<3) == 0 ? leader?.place : nil
        let ones = one.map { [$0] } ?? Array(places.prefix(random.number(in: 1..<places.count)))
        tell("partition: \(ones.map { nodes[$0].id }) from the rest")
        part(ones, from: nodes.indices.filter { !ones.contains($0) }, both: chance(60))
    }

    /// The faults end: all that was down or cut comes back.
    func calm() {
        tell("the faults end")
        weather.calm()
        for partition in partitions.indices { heal(partition) }
        for node in nodes { node.recover() }
    }

    /// A client writes, or reads, at a node that thinks it is the master.
    func clientCame() {
        put(.client, inUs: random.number(in: weather.clientGapUs))
        let serving = nodes.filter { $0.isUp && $0.isServing }
        guard let node = serving.randomElement(using: &random) else { return }
        if chance(50) { node.put(.read, inUs: 0) }
        for _ in 0..<random.number(in: 1..<4) {
            nextValue += 1
            node.put(.write(value: nextValue), inUs: 0)
        }
    }
}
