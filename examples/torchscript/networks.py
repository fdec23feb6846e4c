"""Networks of one's own for docs/own_model.md: Atoll's built-in models, written in PyTorch, and one that it does not have."""

import torch
from torch import nn


class LeNet(nn.Module):
    """models/vision/lenet.cc, for images of one channel."""

    def __init__(self, side, classes):
        super().__init__()
        left = ((side - 4) // 2 - 4) // 2
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * left * left, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = torch.relu(torch.max_pool2d(self.conv1(x), 2))
        x = torch.relu(torch.max_pool2d(self.conv2(x), 2))
        x = torch.relu(self.fc1(x.flatten(1)))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


class Mlp(nn.Module):
    """models/vision/mlp.cc, for images of 8 x 8."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 200)
        self.fc2 = nn.Linear(200, 200)
        self.fc3 = nn.Linear(200, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x.flatten(1)))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


def lenet():
    return LeNet(28, 10)


def mlp():
    return Mlp()


def small():
    """For images of 8 x 8, with a normalization that Atoll's models have no slot for at that place."""
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(256, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 10))
