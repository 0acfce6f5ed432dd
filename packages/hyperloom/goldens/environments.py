"""Episodes of 200 steps of the environments in float64, for environments.json.

Each class is written from the published equations, and with the order of its source: Gymnasium 1.0, classic control
(CartPole-v1, Pendulum-v1, Acrobot-v1 with the dynamics of the book, MountainCar-v0, MountainCarContinuous-v0,
https://gymnasium.farama.org/environments/classic_control/), GridNavi of VariBAD (Zintgraf et al. 2020), and for the
swing-up the cart-pole of Barto, Sutton and Anderson 1983 under a continuous force with friction of the cart. It needs
NumPy only.

A case holds the physics, the first state, an action for each step, and after steps 1, 2, ..., 200 the state (flat,
[200, size]), the reward, and the steps after which the episode is at its end. Steps go on after that.
"""

import math

import numpy as np

from golden import number, save

STEPS = 200
draw = np.random.default_rng(8)


class CartPole:
    state = ["position", "velocity", "angle", "spin"]
    defaults = {"gravity": 9.8, "cartMass": 1.0, "poleMass": 0.1, "halfLength": 0.5, "force": 10.0}
    tau, x_limit, theta_limit = 0.02, 2.4, 12 * 2 * math.pi / 360

    def accelerations(self, theta, theta_dot, force, p):
        total_mass = p["poleMass"] + p["cartMass"]
        polemass_length = p["poleMass"] * p["halfLength"]
        costheta, sintheta = math.cos(theta), math.sin(theta)
        temp = (force + polemass_length * theta_dot**2 * sintheta) / total_mass
        thetaacc = (p["gravity"] * sintheta - costheta * temp) / (
            p["halfLength"] * (4.0 / 3.0 - p["poleMass"] * costheta**2 / total_mass)
        )
        return temp - polemass_length * thetaacc * costheta / total_mass, thetaacc

    def step(self, s, action, p):
        x, x_dot, theta, theta_dot = s
        xacc, thetaacc = self.accelerations(theta, theta_dot, p["force"] if action == 1 else -p["force"], p)
        x, x_dot = x + self.tau * x_dot, x_dot + self.tau * xacc
        theta, theta_dot = theta + self.tau * theta_dot, theta_dot + self.tau * thetaacc
        return [x, x_dot, theta, theta_dot], 1.0, abs(x) > self.x_limit or abs(theta) > self.theta_limit


class CartPoleSwingUp(CartPole):
    defaults = {**CartPole.defaults, "friction": 0.1}

    def step(self, s, action, p):
        x, x_dot, theta, theta_dot = s
        force = p["force"] * min(max(action, -1), 1) - p["friction"] * x_dot
        xacc, thetaacc = self.accelerations(theta, theta_dot, force, p)
        x_dot += self.tau * xacc
        theta_dot += self.tau * thetaacc
        x += self.tau * x_dot
        theta += self.tau * theta_dot
        reward = (1 + math.cos(theta)) / 2 * max(math.cos(math.pi / 2 * x / self.x_limit), 0)
        return [x, x_dot, theta, theta_dot], reward, abs(x) > self.x_limit


class Pendulum:
    """The action is a share of the greatest torque."""

    state = ["angle", "spin"]
    defaults = {"gravity": 10.0, "mass": 1.0, "length": 1.0, "torque": 2.0}

    def step(self, s, action, p):
        th, thdot = s
        g, m, length, dt = p["gravity"], p["mass"], p["length"], 0.05
        u = float(np.clip(action * p["torque"], -p["torque"], p["torque"]))
        normalised = ((th + np.pi) % (2 * np.pi)) - np.pi
        costs = normalised**2 + 0.1 * thdot**2 + 0.001 * u**2
        newthdot = thdot + (3 * g / (2 * length) * np.sin(th) + 3.0 / (m * length**2) * u) * dt
        newthdot = float(np.clip(newthdot, -8, 8))
        return [th + newthdot * dt, newthdot], -costs, False


class Acrobot:
    """The height to reach is half of both lengths: 1 in Gymnasium, where both are 1."""

    state = ["angle1", "angle2", "spin1", "spin2"]
    defaults = {
        "gravity": 9.8,
        "mass1": 1.0,
        "mass2": 1.0,
        "length1": 1.0,
        "length2": 1.0,
        "inertia": 1.0,
        "torque": 1.0,
    }
    max_vel_1, max_vel_2, dt = 4 * np.pi, 9 * np.pi, 0.2

    def dsdt(self, s, a, p):
        m1, m2, l1, g = p["mass1"], p["mass2"], p["length1"], p["gravity"]
        lc1, lc2 = l1 / 2, p["length2"] / 2
        i1 = i2 = p["inertia"]
        theta1, theta2, dtheta1, dtheta2 = s
        d1 = m1 * lc1**2 + m2 * (l1**2 + lc2**2 + 2 * l1 * lc2 * np.cos(theta2)) + i1 + i2
        d2 = m2 * (lc2**2 + l1 * lc2 * np.cos(theta2)) + i2
        phi2 = m2 * lc2 * g * np.cos(theta1 + theta2 - np.pi / 2.0)
        phi1 = (
            -m2 * l1 * lc2 * dtheta2**2 * np.sin(theta2)
            - 2 * m2 * l1 * lc2 * dtheta2 * dtheta1 * np.sin(theta2)
            + (m1 * lc1 + m2 * l1) * g * np.cos(theta1 - np.pi / 2)
            + phi2
        )
        ddtheta2 = (a + d2 / d1 * phi1 - m2 * l1 * lc2 * dtheta1**2 * np.sin(theta2) - phi2) / (
            m2 * lc2**2 + i2 - d2**2 / d1
        )
        ddtheta1 = -(d2 * ddtheta2 + phi1) / d1
        return np.array([dtheta1, dtheta2, ddtheta1, ddtheta2])

    def step(self, s, action, p):
        y, dt, torque = np.array(s), self.dt, p["torque"] * (action - 1)
        k1 = self.dsdt(y, torque, p)
        k2 = self.dsdt(y + dt / 2 * k1, torque, p)
        k3 = self.dsdt(y + dt / 2 * k2, torque, p)
        k4 = self.dsdt(y + dt * k3, torque, p)
        theta1, theta2, dtheta1, dtheta2 = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

        def wrap(x):
            while x > np.pi:
                x -= 2 * np.pi
            while x < -np.pi:
                x += 2 * np.pi
            return x

        theta1, theta2 = wrap(theta1), wrap(theta2)
        dtheta1 = min(max(dtheta1, -self.max_vel_1), self.max_vel_1)
        dtheta2 = min(max(dtheta2, -self.max_vel_2), self.max_vel_2)
        height = -p["length1"] * np.cos(theta1) - p["length2"] * np.cos(theta2 + theta1)
        terminated = height > (p["length1"] + p["length2"]) / 2
        return [theta1, theta2, dtheta1, dtheta2], 0.0 if terminated else -1.0, bool(terminated)


class MountainCar:
    state = ["position", "velocity"]
    defaults = {"gravity": 0.0025, "force": 0.001}
    goal = 0.5

    def push(self, action, p):
        return (action - 1) * p["force"]

    def reward(self, action, terminated):
        return -1.0

    def step(self, s, action, p):
        position, velocity = s
        velocity += self.push(action, p) + math.cos(3 * position) * (-p["gravity"])
        velocity = min(max(velocity, -0.07), 0.07)
        position = min(max(position + velocity, -1.2), 0.6)
        if position == -1.2 and velocity < 0:
            velocity = 0.0
        terminated = position >= self.goal and velocity >= 0
        return [position, velocity], self.reward(action, terminated), terminated


class ContinuousMountainCar(MountainCar):
    defaults = {"gravity": 0.0025, "force": 0.0015}
    goal = 0.45

    def push(self, action, p):
        return min(max(action, -1.0), 1.0) * p["force"]

    def reward(self, action, terminated):
        return (100.0 if terminated else 0.0) - 0.1 * action**2


class GridNavigation:
    """Actions are in the order stay, up, down, left, right."""

    state = ["x", "y"]
    defaults = {"goalX": 4, "goalY": 4}
    moves = [(0, 0), (0, 1), (0, -1), (-1, 0), (1, 0)]

    def step(self, s, action, p):
        x, y = (min(max(a + b, 0), 4) for a, b in zip(s, self.moves[action]))
        return [x, y], 1.0 if (x, y) == (p["goalX"], p["goalY"]) else -0.1, False


def held(values, least=4, most=16):
    """Each value for a few steps: alternating ones would cancel out, and nothing would move far."""
    actions = []
    while len(actions) < STEPS:
        actions += [draw.choice(values)] * int(draw.integers(least, most))
    return [a.item() for a in actions[:STEPS]]


def balanced(world, start, physics):
    """Pushes that mostly hold the pole up, with one of five drawn: the pole swings, but stays in reach."""
    s, actions = start, []
    for _ in range(STEPS):
        action = int(draw.integers(2)) if draw.random() < 0.2 else int(s[2] + 0.4 * s[3] + 0.05 * s[0] + 0.1 * s[1] > 0)
        s, _, _ = world.step(s, action, physics)
        actions.append(action)
    return actions


def pumped(actions):
    """With the motion of the car for two thirds of the time, so that it gets up and reaches both ends."""

    def of(world, start, physics):
        s, taken = start, []
        for i in range(STEPS):
            action = (actions[-1] if s[1] >= 0 else actions[0]) if i % 60 < 50 else float(draw.choice(actions))
            s, _, _ = world.step(s, action, physics)
            taken.append(action)
        return taken

    return of


def episode(world, start, physics, actions):
    p = {**world.defaults, **physics}
    taken = actions(world, start, p) if callable(actions) else actions
    s, states, rewards, ends = start, [], [], []
    for step, action in enumerate(taken):
        s, reward, terminated = world.step(s, action, p)
        states += [number(float(v)) for v in s]
        rewards.append(number(float(reward)))
        if terminated:
            ends.append(step)
    return {
        "physics": physics,
        "start": dict(zip(world.state, start)),
        "actions": [number(a) for a in taken],
        "states": states,
        "rewards": rewards,
        "ends": ends,
    }


def shares():
    """Actions of an engine that can be set."""
    return [round(a, 2) for a in held(np.array([-1.0, -0.75, -0.4, 0.0, 0.3, 0.8, 1.0]))]


cases = {}
for name, world, start, other, actions in [
    ("cartPole", CartPole(), [0.01, -0.02, 0.03, 0.04], {"poleMass": 0.4, "halfLength": 0.9, "gravity": 6, "cartMass": 1.5, "force": 7}, balanced),
    ("cartPoleSwingUp", CartPoleSwingUp(), [0.03, -0.04, 3.12, 0.02], {"poleMass": 0.3, "halfLength": 0.8, "gravity": 12, "cartMass": 0.7, "force": 6, "friction": 0.4}, shares()),
    ("pendulum", Pendulum(), [2.5, -0.6], {"gravity": 6, "mass": 1.4, "length": 0.6, "torque": 2.9}, shares()),
    ("acrobot", Acrobot(), [0.05, -0.08, 0.02, 0.09], {"gravity": 7, "mass1": 0.8, "mass2": 1.4, "length1": 1.3, "length2": 0.7, "inertia": 0.8, "torque": 1.8}, held(np.array([0, 1, 2]))),
    ("mountainCar", MountainCar(), [-0.52, 0.0], {"gravity": 0.002, "force": 0.0014}, pumped([0, 1, 2])),
    ("continuousMountainCar", ContinuousMountainCar(), [-0.45, 0.0], {"gravity": 0.003, "force": 0.0019}, pumped([-1.0, 0.5, 0.9])),
    ("gridNavigation", GridNavigation(), [0, 0], {"goalX": 2, "goalY": 1}, held(np.array([0, 1, 2, 3, 4]), 1, 4)),
]:
    cases[name] = episode(world, start, {}, actions)
    # In the other physics the pole of the cart is left to fall.
    cases[f"{name}.other"] = episode(world, start, other, held(np.array([0, 1])) if name == "cartPole" else actions)

save("environments", cases)
